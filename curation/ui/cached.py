"""Answers of the library, kept. Keys are runs, t and other small values: never arrays.

What is kept is about runs, which all browsers on this machine share; nothing in here knows who looks at them.
"""

from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import streamlit as st

from curation import class_lists, queries
from curation.balancing import p_to_t
from curation.class_lists import ClassList
from curation.clip.ladder import budget as ladder_budget
from curation.clip.ladder import summary
from curation.clip.ladder.budget import Budget
from curation.clip.ladder.folder import Ladder
from curation.clip.training.config import Arm
from curation.pool import show as pool_show
from curation.pool.columns import Columns
from curation.runs import diff, folder, trash
from curation.runs.config import DEFAULT_TAIL_SHARE
from curation.runs.folder import Run
from curation.runs.watch import Tally
from curation.ui import live_data


def _identity(run: Run) -> tuple[str, Any, Any]:
    return str(run.path), run.info["created"], run.info["plan_digest"]


_RUN_IDENTITY: dict[str | type[Any], Any] = {Run: _identity}


def open_run(path: Path) -> Run:
    """The run in a folder, read again only after its job wrote it; raises BadRun, UnreadableFile."""
    return _open_run(str(path), _written(path))


def _written(path: Path) -> int:
    try:
        return (path / "run.json").stat().st_mtime_ns
    except OSError:
        return 0


@st.cache_resource(max_entries=16, show_spinner=False)
def _open_run(path: str, written: int) -> Run:
    return folder.open_run(Path(path))


@st.cache_data(max_entries=2000, show_spinner=False, hash_funcs=_RUN_IDENTITY)
def size(run: Run, t: float) -> queries.Size:
    """`queries.size`"""
    return queries.size(run, t)


@st.cache_data(max_entries=500, show_spinner=False, hash_funcs=_RUN_IDENTITY)
def budget(run: Run, arm: Arm, t: float, samples: int) -> Budget:
    """`clip.ladder.budget.budget`"""
    return ladder_budget.budget(run, arm, t, samples)


@st.cache_data(max_entries=500, show_spinner=False, hash_funcs=_RUN_IDENTITY)
def lowest_t(run: Run, samples: int) -> float | None:
    """`clip.ladder.budget.lowest_t`"""
    return ladder_budget.lowest_t(run, samples)


def ladder_results(ladder: Ladder) -> tuple[pa.Table, pa.Table]:
    """`summary.accuracies` and `summary.by_class`, worked out again only after another training was judged."""
    return _ladder_results(str(ladder.path), ladder.info["created"], len(ladder.judged))


# its tables are shared, not copied: nothing writes into them
@st.cache_resource(max_entries=8, show_spinner=False)
def _ladder_results(path: str, created: str, judged: int) -> tuple[pa.Table, pa.Table]:
    ladder = Ladder.open(Path(path))
    return summary.accuracies(ladder), summary.by_class(ladder)


@st.cache_data(max_entries=500, show_spinner=False, hash_funcs=_RUN_IDENTITY)
def by_language(run: Run, t: float) -> list[queries.LanguageSize]:
    """`queries.by_language`"""
    return queries.by_language(run, t)


@st.cache_data(max_entries=100, show_spinner=False, hash_funcs=_RUN_IDENTITY)
def entry_sources(run: Run) -> list[str]:
    """`queries.entry_sources`"""
    return queries.entry_sources(run)


@st.cache_data(max_entries=2000, show_spinner=False, hash_funcs=_RUN_IDENTITY)
def estimate_samples(
    run: Run,
    t: float,
    which: queries.Which,
    entry: str | None = None,
    source: str | None = None,
    ranks: tuple[int, int] | None = None,
) -> queries.Amount:
    """`queries.estimate_samples`"""
    return queries.estimate_samples(run, t, which=which, entry=entry, source=source, ranks=ranks)


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs=_RUN_IDENTITY)
def packed_live(run: Run) -> tuple[str, bytes]:
    """`live_data.packed`"""
    return live_data.packed(run)


@st.cache_data(max_entries=500, show_spinner=False, hash_funcs=_RUN_IDENTITY)
def usual_tail_share(run: Run) -> tuple[float, float]:
    """The t whose tail share comes nearest to the one that the paper holds from pool to pool, and that share."""
    t = p_to_t(run.scale.of_reference(run.entry_count), DEFAULT_TAIL_SHARE)
    return t, run.scale.tail_share(run.entry_count, t)


@st.cache_data(max_entries=500, show_spinner=False, hash_funcs=_RUN_IDENTITY)
def company(run: Run, entry_id: int, order: Literal["shared", "lift"]) -> queries.Company:
    """`queries.company`"""
    return queries.company(run, entry_id, order=order)


@st.cache_data(max_entries=500, show_spinner=False, hash_funcs=_RUN_IDENTITY)
def carried(run: Run, entry_id: int, t: float) -> queries.Carried:
    """`queries.carried`"""
    return queries.carried(run, entry_id, t)


# its table is shared, not copied: nothing writes into it
@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs=_RUN_IDENTITY)
def diff_entries(a: Run, t_a: float, b: Run, t_b: float) -> diff.EntryDiff:
    """`runs.diff.diff_entries` of two runs"""
    return diff.diff_entries(diff.run_set(a, t_a), diff.run_set(b, t_b))


@st.cache_data(max_entries=100, show_spinner=False, hash_funcs=_RUN_IDENTITY)
def diff_pairs(a: Run, t_a: float, b: Run, t_b: float, examples: int) -> diff.PairsApart:
    """`runs.diff.diff_pairs` of two runs"""
    found = diff.diff_pairs(diff.run_set(a, t_a), diff.run_set(b, t_b), examples=examples)
    assert found is not None  # runs know their pairs
    return found


@st.cache_data(max_entries=1, show_spinner=False)
def imagenet_names() -> ClassList:
    """`class_lists.imagenet_names`"""
    return class_lists.imagenet_names()


@st.cache_data(max_entries=1, show_spinner=False)
def read_names(path: Path) -> ClassList:
    """`class_lists.read_names`"""
    return class_lists.read_names(path)


@st.cache_resource(max_entries=50, show_spinner=False, hash_funcs=_RUN_IDENTITY)
def labels(run: Run, classes: ClassList, t: float, spelling: queries.Spelling) -> queries.LabelFit:
    """`queries.labels`"""
    return queries.labels(run, classes, t, spelling=spelling)


@st.cache_data(max_entries=50, show_spinner=False, hash_funcs=_RUN_IDENTITY)
def near_entries(run: Run, names: tuple[str, ...]) -> dict[str, list[str]]:
    """`queries.near_entries`"""
    return queries.near_entries(run, names)


@st.cache_data(max_entries=100, ttl=60, show_spinner="Looking at the pool ...")
def show_pool(pool: tuple[str, ...], columns: Columns, format: str | None, first: int) -> pool_show.Shown:
    """`pool.show.show_pool`"""
    return pool_show.show_pool(pool, columns, format, first)


def bytes_on_disk(path: Path) -> int:
    """`trash.bytes_on_disk` of a run, summed again only after its job wrote run.json."""
    return _bytes_on_disk(path, _written(path))


@st.cache_data(max_entries=500, show_spinner=False)
def _bytes_on_disk(path: Path, written: int) -> int:
    return trash.bytes_on_disk(path)


@st.cache_resource(max_entries=32, show_spinner=False)
def tally(path: Path, plan_digest: str) -> Tally:
    """What has been read of the receipts of a run; one for all who watch it."""
    return Tally()
