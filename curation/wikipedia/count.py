"""Words and pairs of words of a dump, counted in bounded memory by a job that can be stopped and resumed."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

import curation
from curation import files
from curation.engines import Cancelled
from curation.errors import BadRun, UnreadableFile
from curation.metadata.ngrams import NgramCounter
from curation.metadata.wikitext import NAMESPACES, plain_text
from curation.wikipedia.config import BUDGET
from curation.wikipedia.dump import Dump, Page
from curation.wikipedia.ngram_files import write_ngrams
from curation.wikipedia.runs import merge_runs, write_run

FORMAT = 1


@dataclass
class State:
    """How far a count is; pages that are counted here are in the runs on disk.

    pages = articles + sum of dropped; bytes: read of the dump
    """

    pages: int = 0
    articles: int = 0
    dropped: dict[str, int] = field(default_factory=lambda: {"another namespace": 0, "redirect": 0})
    runs: int = 0
    bytes: int = 0
    complete: bool = False


@dataclass(frozen=True, kw_only=True)
class NgramCount:
    """What a finished count found. words, pairs: distinct ones; tokens: words with their repetitions."""

    pages: int
    articles: int
    dropped: dict[str, int]
    words: int
    pairs: int
    tokens: int


def work_folder(output: Path) -> Path:
    """Where a count keeps its work until it is finished: beside what it is to write."""
    return output.with_name(f"{output.name}.work")


def count_dump(
    dump: Path,
    output: Path,
    *,
    resume: bool = False,
    budget: int = BUDGET,
    on_bytes: Callable[[int], None] = lambda position: None,
    cancel: Callable[[], bool] = lambda: False,
) -> NgramCount:
    """Count the words and the pairs of adjacent words of all articles; write n-grams (n, gram, count), by n and gram.

    Articles are the pages of namespace 0 that are no redirects. The result is the same whatever the budget, and
    however often the count was stopped: to the byte.

    resume:   go on with the work of a count that was stopped; its dump must be the same
    budget:   distinct words and pairs in memory at once
    on_bytes: is told how many bytes of the dump are read
    cancel:   asked at every page; the work so far is kept

    raises BadRun (nothing to resume, or a thing in the way), Cancelled, UnreadableFile (see `Dump.pages`; the work is
           kept), BadMetadata
    """
    source, work = Dump(dump), work_folder(output)
    _check_what_is_there(output, work, resume)
    with _locked(work):
        state = _begun(source, work, resume)
        try:
            if not state.complete:
                _count_pages(source, work, state, budget, on_bytes, cancel)
            if not state.articles:
                raise UnreadableFile(f"{dump}: not one article among {state.pages:,} pages (left out: {state.dropped})")
        except UnreadableFile:
            if not state.articles:  # nothing to go on with
                shutil.rmtree(work)
            raise
        found = _merge(work, state, output, cancel)
        shutil.rmtree(work)
    return found


def _check_what_is_there(output: Path, work: Path, resume: bool) -> None:
    if resume and not (work / "state.json").is_file():
        raise BadRun(f"{output}: no count to go on with ({work.name} is not there); leave out --resume")
    if not resume and work.exists():
        raise BadRun(f"{work}: an unfinished count; go on with it by --resume, or remove the folder")
    if not resume and output.exists():
        raise BadRun(f"{output}: exists already; choose another -o")


@contextmanager
def _locked(work: Path) -> Iterator[None]:
    work.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(work / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadRun(f"{work}: another process works on this count; wait for it, or stop it first") from None
        yield
    finally:
        os.close(descriptor)


def _begun(dump: Dump, work: Path, resume: bool) -> State:
    """The state to go on from; what a resumed count began with must still be there."""
    if not resume:
        state = State()
        _save(dump, work, state)
        return state
    files.remove_leftovers(work)
    info = files.read_json(work / "state.json")
    begun = info["plan"]
    if (made_by := begun["version"]) != curation.__version__ or begun["format"] != FORMAT:
        raise BadRun(f"{work}: begun by headtail {made_by}, this is {curation.__version__}; remove it and count anew")
    # a dump that was cut short may have been fetched again: then it is longer
    if begun["bytes"] > dump.size or begun["head"] != dump.head_digest(begun["bytes"]):
        raise BadRun(f"{work}: begun with another dump than {dump.path}; give that one, or remove the folder")
    return State(**info["state"])


def _plan(dump: Dump) -> dict[str, Any]:
    return {"format": FORMAT, "version": curation.__version__, "bytes": dump.size, "head": dump.head_digest(dump.size)}


def _save(dump: Dump, work: Path, state: State) -> None:
    files.write_json(work / "state.json", {"plan": _plan(dump), "state": asdict(state)})


def _count_pages(
    dump: Dump,
    work: Path,
    state: State,
    budget: int,
    on_bytes: Callable[[int], None],
    cancel: Callable[[], bool],
) -> None:
    counter, already = NgramCounter(), state.pages
    stopped: BaseException | None = None
    try:
        for at, page in enumerate(dump.pages()):
            on_bytes(dump.position)
            if cancel():
                raise Cancelled
            if at < already:
                continue
            _count_page(page, NAMESPACES | dump.namespaces, counter, state)
            if len(counter) >= budget:
                counter = _spill(dump, work, counter, state)
        state.complete = True
    except (Cancelled, UnreadableFile) as error:
        stopped = error
    if state.pages > already:
        _spill(dump, work, counter, state)
    if stopped is not None:
        raise stopped
    _save(dump, work, state)


def _count_page(page: Page, namespaces: frozenset[str], counter: NgramCounter, state: State) -> None:
    state.pages += 1
    if page.namespace != 0:
        state.dropped["another namespace"] += 1
    elif page.is_redirect:
        state.dropped["redirect"] += 1
    else:
        state.articles += 1
        counter.add(plain_text(page.text, namespaces))


def _spill(dump: Dump, work: Path, counter: NgramCounter, state: State) -> NgramCounter:
    """Put the counts on disk; they count from the moment that the state says so."""
    write_run(_run(work, 1, state.runs), counter.words)
    write_run(_run(work, 2, state.runs), counter.pairs)
    state.runs += 1
    state.bytes = dump.position
    _save(dump, work, state)
    return NgramCounter()


def _run(work: Path, n: int, number: int) -> Path:
    return work / f"{n}-{number:05}.parquet"


def _merge(work: Path, state: State, output: Path, cancel: Callable[[], bool]) -> NgramCount:
    distinct, tokens = {1: 0, 2: 0}, {1: 0, 2: 0}

    def tables() -> Iterator[tuple[int, pa.Table]]:
        for n in (1, 2):
            for table in merge_runs([_run(work, n, number) for number in range(state.runs)]):
                if cancel():
                    raise Cancelled
                distinct[n] += len(table)
                tokens[n] += pc.sum(table["count"]).as_py()
                yield n, table

    write_ngrams(output, tables())
    return NgramCount(
        pages=state.pages,
        articles=state.articles,
        dropped=state.dropped,
        words=distinct[1],
        pairs=distinct[2],
        tokens=tokens[1],
    )
