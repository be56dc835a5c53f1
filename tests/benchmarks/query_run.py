"""Questions to a finished run: each cold (nothing of the run in memory) and warm."""

import math
import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from curate_pool import timed_run
from measure import Measured, Times, peak_memory_mb, prove, race, script, timed, worker
from peers import entry_kept_by_pyarrow
from plain_run import PlainRun
from world import world

from curation import queries
from curation.metadata import Edits, edited
from curation.runs.folder import Run, open_run

ORACLE_PAIRS, ORACLE_ENTRIES = 180, 120  # fewer pairs than `samples` shows at most
PAGE, SEARCH_SECONDS = 24, 0.7

Question = Callable[[Run], Any]


def query_run(
    *,
    pairs: int = 1_000_000,
    entries: int = 500_000,
    workers: int = 2,
    cold: int = 3,
    warm: int = 9,
    run: Path | None = None,
) -> Measured:
    """Ask a run of so many pairs, or the run in a folder; `cold` and `warm` are how often."""
    with tempfile.TemporaryDirectory() as name:
        proven = _equal_to_the_oracle(Path(name) / "oracle")
        made_from = "a run that was there"
        if run is None:
            run = Path(name) / "run"
            made_from = world(entries).name
            with worker() as process:  # its memory is not that of the questions
                process.submit(timed_run, world(entries), run, pairs, 4, workers).result()
        questions = dict(_questions(open_run(run)))
        times = {question: _ask(run, ask, cold, warm) for question, ask in questions.items()}
        found = open_run(run)
        described = {
            "pairs": found.info["totals"]["pairs"],
            "entries": found.entry_count.size,
            "world": made_from,
            "t": found.t,
            "matches": found.info["totals"]["matches"],
            "entry_counts": {place: count for place, (_, count) in _entries(found).items()},
        }
    return Measured(
        parameters=described,
        proven=proven,
        figures={
            "ratio_pyarrow": {
                "entry_kept_at, t between": _ratio(times, "entry_kept_at, t between", "pyarrow: entry_kept_at"),
            },
            "ms": {
                question: {"cold": _ms(cold_times), "warm": _ms(warm_times)}
                for question, (cold_times, warm_times) in times.items()
            },
        },
        peak_memory_mb=peak_memory_mb(),
    )


def _questions(run: Run) -> Iterator[tuple[str, Question]]:
    """What the app and the commands ask, with answers that depend on the pool."""
    t = run.t
    # not on the grid: the pairs themselves are asked; each time another, for answers may be kept
    between = (t + k / 1000 for k in count(1))
    (uid,) = queries.samples(run, t, limit=1)["uid"].to_pylist()
    n = queries.size(run, t).kept - 1
    lower = float(run.curves.grid[run.curves.grid < t][-10:].min(initial=t))
    captions = queries.samples(run, t, limit=200)["text"].to_pylist()
    words = sorted((word for text in captions for word in text.split()), key=len)
    searched = {"a frequent word": "the", "a long word": words[-1], "what no caption has": "zq-xj-wv"}
    yield "size, t on the grid", lambda run: queries.size(run, t)
    yield "size, t between", lambda run: queries.size(run, next(between))
    yield "entry_kept_at, t on the grid", lambda run: queries.entry_kept_at(run, t)
    yield "entry_kept_at, t between", lambda run: queries.entry_kept_at(run, next(between))
    yield (
        "pyarrow: entry_kept_at",
        lambda run: entry_kept_by_pyarrow(run.pair_files, next(between), run.entry_count.size),
    )
    yield "funnel", lambda run: queries.funnel(run, queries.size(run, t))
    yield "samples kept", lambda run: queries.samples(run, t, which="kept", limit=PAGE)
    yield "samples of a diff of two t", lambda run: queries.samples(run, t, which="kept", since=lower, limit=PAGE)
    yield "diff of two t", lambda run: queries.compare_thresholds(run, lower, t)
    yield "samples dropped", lambda run: queries.samples(run, t, which="dropped", limit=PAGE)
    for place, (entry, _) in _entries(run).items():
        yield (
            f"samples of a {place} entry",
            lambda run, entry=entry: queries.samples(run, t, which="kept", entry=entry, limit=PAGE),
        )
    for what, text in searched.items():
        yield (
            f"caption search, {what}",
            lambda run, text=text: queries.search(run, t, contains=text, limit=PAGE, seconds=SEARCH_SECONDS),
        )
    for what, text in {"a part of many": "an", "what none holds": "zq-xj-wv"}.items():
        yield f"entry search, {what}", lambda run, text=text: queries.search_entries(run, text, t=t)
    yield "entry search, around the cap", lambda run: queries.search_entries(run, "", t=t, among="cap")
    for place, (entry, _) in _entries(run).items():
        if place != "tail":
            id = queries.entry_id(run, entry)
            yield f"facts of a {place} entry", lambda run, id=id: queries.entry_facts(run, id, t)
            yield f"who keeps a {place} entry", lambda run, id=id: queries.carried(run, id, t)
            yield f"company of a {place} entry", lambda run, id=id: queries.company(run, id)
    metadata = edited(queries.run_metadata(run), Edits().adding(["zq-xj-wv"]).removing([entry])).metadata
    yield "coverage of edited metadata", lambda run: queries.coverage(run, metadata)
    yield "why", lambda run: queries.why(run, uid, t)
    yield "threshold_for_size", lambda run: queries.threshold_for_size(run, n)


def _entries(run: Run) -> dict[str, tuple[str, int]]:
    """An entry of the head, one of the middle (on the logarithm of the rank), a rare one and the last; their counts."""
    ranked, counts = run.curves.ranked_entry_id, run.curves.ranked_entry_count
    rare = int(np.searchsorted(-counts, -100))  # so few texts that all of a big run had to be gone through for them
    ranks = {"head": 0, "middle": math.isqrt(ranked.size), "rare": min(rare, ranked.size - 1), "tail": ranked.size - 1}
    names = run.entries["entry"]
    return {place: (names[int(ranked[rank])].as_py(), int(counts[rank])) for place, rank in ranks.items()}


def _ask(path: Path, ask: Question, cold: int, warm: int) -> tuple[Times, Times]:
    ask(open_run(path))  # imports and compiled code are there in both
    taken = []
    for _ in range(cold):
        _forget(path)
        taken.append(timed(lambda: ask(open_run(path)))[:2])
    run = open_run(path)
    ask(run)
    return Times([wall for wall, _ in taken], [cpu for _, cpu in taken]), race(warm, ask=lambda: ask(run))["ask"]


def _forget(run: Path) -> None:
    """Nothing of the run is in memory: no open connection, no page of its files, as far as the system lets go."""
    for module in (queries.database, queries.entries, queries.pairs, queries.sizes):
        for thing in vars(module).values():
            if hasattr(thing, "cache_clear"):
                thing.cache_clear()
    if not hasattr(os, "posix_fadvise"):  # macOS: the files stay cached
        return
    for file in run.rglob("*"):
        if file.is_file():
            descriptor = os.open(file, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def _ms(times: Times) -> dict[str, float]:
    return {"best": times.summary["best_wall"] * 1000, "median": times.summary["median_wall"] * 1000}


def _ratio(times: dict[str, tuple[Times, Times]], ours: str, peer: str) -> float:
    """How many times as long the peer takes, warm, by best wall time: both use all cores."""
    return min(times[peer][1].wall) / min(times[ours][1].wall)


def _equal_to_the_oracle(folder: Path) -> list[str]:
    timed_run(world(ORACLE_ENTRIES), folder, ORACLE_PAIRS, 2, 2)
    run = open_run(folder)
    plain, proven = PlainRun(run), []
    ranked = run.curves.ranked_entry_id.tolist()
    for where, t in (("on the grid", run.t), ("between", math.nextafter(run.t, math.inf))):
        size, kept, per_entry = queries.size(run, t), len(plain.pairs(t, "kept")), plain.entry_kept(t, ranked)
        ours = [size.kept, queries.funnel(run, size)[-1].rows_out, size.entries_covered]
        proven.append(prove(f"size and funnel, t {where}", [kept, kept, sum(map(bool, per_entry))], ours))
        ours = queries.entry_kept_at(run, t).tolist()
        theirs = entry_kept_by_pyarrow(run.pair_files, t, run.entry_count.size)[ranked].tolist()
        proven.append(prove(f"entry_kept_at, t {where}, and pyarrow's", per_entry, ours, theirs))
        for entry in (None, *(name for name, _ in _entries(run).values())):
            for which in ("kept", "dropped"):
                expected = plain.pairs(t, which, None if entry is None else queries.entry_id(run, entry))
                ours = sorted(queries.samples(run, t, which=which, entry=entry, limit=200)["uid"].to_pylist())
                proven.append(prove(f"samples, t {where}", expected, ours))
    low = float(run.curves.grid[run.curves.grid.size // 3])
    comparison, kept = queries.compare_thresholds(run, run.t, low), [plain.pairs(t, "kept") for t in (low, run.t)]
    added = sorted(set(kept[1]) - set(kept[0]))
    ours = queries.samples(run, run.t, which="kept", since=low, limit=200)["uid"].to_pylist()
    gained = [id for id in ranked if not plain.entry_kept(low, [id])[0] and plain.entry_kept(run.t, [id])[0]]
    theirs = [len(added), added, gained]
    found = [comparison.high.kept - comparison.low.kept, sorted(ours), comparison.entries_gained.tolist()]
    proven.append(prove("diff of two t, and its samples", theirs, found))
    for text in ("a", plain.rows[0]["text"][1:9], "zq-xj-wv"):
        expected = sorted(row["uid"] for row in plain.rows if text.lower() in row["text"].lower())
        found = queries.search(run, run.t, contains=text, limit=200).pairs["uid"].to_pylist()
        proven.append(prove("caption search", expected, sorted(found)))
    for text in ("a", "an", "zq-xj-wv"):
        names = run.entries["entry"].to_pylist()
        found = queries.search_entries(run, text, t=run.t, limit=ORACLE_ENTRIES).entries["entry"].to_pylist()
        proven.append(prove("entry search", sorted(name for name in names if text in name.lower()), sorted(found)))
    for entry, texts in _entries(run).values():
        id = queries.entry_id(run, entry)
        facts, who = queries.entry_facts(run, id, run.t), queries.carried(run, id, run.t)
        kept = len(plain.pairs(run.t, "kept", id))
        proven.append(prove("facts of an entry", [texts, kept], [facts.count, facts.kept]))
        proven.append(prove("who keeps an entry's pairs", kept, who.by_itself + who.by_others))
        shared = [len([row for row in plain.rows if {id, other} <= set(row["matched_entry_ids"])]) for other in ranked]
        ours = dict.fromkeys(ranked, 0) | {id: texts}
        ours |= {row["entry_id"]: row["shared"] for row in queries.company(run, id).entries.to_pylist()}
        proven.append(prove("company of an entry", shared, list(ours.values())))
    for row in plain.rows[:20]:
        why = queries.why(run, row["uid"], run.t)
        least = min((entry.product for entry in why.entries), default=math.inf)
        proven.append(prove("why", [row["t_min"], row["t_min"] < run.t], [least, why.kept]))
    for n in plain.sizes():
        kept = plain.pairs(queries.threshold_for_size(run, n).t, "kept")
        proven.append(prove("threshold_for_size, every size", n, len(kept)))
    return [f"of {len(plain.rows)} pairs: {what}" for what in dict.fromkeys(proven)]


if __name__ == "__main__":
    script(query_run)
