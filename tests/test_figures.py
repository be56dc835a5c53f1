import numpy as np
import pyarrow as pa
import pytest

from curation import figures, queries
from curation.curves import CurveBuilder, Curves, threshold_grid
from curation.figures import escaped


def one_entry_texts(entry_count: np.ndarray) -> Curves:
    """The curves of a pool in which every text holds one entry, and t_min spreads evenly over its count."""
    builder = CurveBuilder(entry_count, threshold_grid(int(entry_count.max())))
    for entry_id, count in enumerate(entry_count.tolist()):
        lists = pa.ListArray.from_arrays(np.arange(count + 1, dtype=np.int32), np.full(count, entry_id, np.int32))
        builder.add(lists, np.arange(count) + 0.5)
    return builder.finish()


def trace(figure, start):
    return next(trace for trace in figure.data if trace.name.startswith(start))


def test_size_by_t_marks_a_t_off_the_grid_where_it_belongs(zipf_run):
    size = queries.size(zipf_run, 33.333)

    figure = figures.size_by_t(zipf_run.curves, size, own_t=zipf_run.t)

    assert list(trace(figure, "pairs kept").y) == zipf_run.curves.kept.tolist()
    dot = trace(figure, "t = 33.333")
    assert (dot.x, dot.y) == ((33.333,), (size.kept,))
    assert trace(figure, "the run's own t = 100").y == (queries.size(zipf_run, 100.0).kept,)


def test_the_thresholds_of_the_paper_are_marked_where_they_lie_in_the_pool():
    curves = one_entry_texts(np.array([40_000, 10]))
    size = queries.Size(
        exact=True,
        t=20_000.0, kept=1, expected=1.0, sigma=0.0, pairs=40_010, matched=40_010, tail_share=0.0, kept_tail_share=0.0,
        entries=2, entries_matched=2, entries_covered=2, entries_at_cap=1,
    )  # fmt: skip

    assert list(trace(figures.size_by_t(curves, size, 20_000.0), "t in the paper").x) == [15_000, 20_000, 35_000]


def test_a_pool_that_matches_nothing_can_be_drawn(make_run):
    run = make_run(["x", "y"], t=2.0)

    figure = figures.size_by_t(run.curves, queries.size(run, 2.0), 2.0)

    assert figure.data
    assert np.isfinite(figure.layout.xaxis.range).all()


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("dog", "dog"),
        ("<a href='x'>y</a>", "&lt;a href='x'&gt;y&lt;/a&gt;"),
        ("%{x} &lt;", "%&#123;x} &amp;lt;"),
        ("two\nlines", "two lines"),
        ("x" * 100, "x" * 79 + "…"),
    ],
)
def test_entries_are_escaped_for_plotly(text, safe):
    assert escaped(text) == safe
