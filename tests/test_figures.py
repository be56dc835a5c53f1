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


def test_the_curve_of_an_entry_stands_beside_what_it_keeps_by_itself(zipf_run):
    facts = queries.entry_facts(zipf_run, 3, 33.3)
    kept = queries.entry_kept_by_t(zipf_run, 3)
    figure = figures.kept_by_t(zipf_run.curves, kept, np.minimum(1000, zipf_run.curves.grid), facts)

    assert np.array_equal(trace(figure, "kept, with").y, kept)
    assert list(trace(figure, "all 1,000").y) == [1000, 1000]
    now = trace(figure, "t = 33.3")
    assert (now.x[0], now.y[0]) == (33.3, facts.kept)


def test_bars_tell_the_tail_from_the_head_and_show_entries_as_text(make_run):
    entries = ["a", "<b>rare</b>", "%{x}"]
    texts = ["a"] * 200 + ["a <b>rare</b>"] * 4 + ["a %{x}"] * 60
    run = make_run(texts, entries, t=5.0)
    figure = figures.carriers(queries.carried(run, 0, 5.0))

    carried = {row["entry"]: row["carried"] for row in queries.carried(run, 0, 5.0).entries.to_pylist()}
    tail, head = trace(figure, "in the tail"), trace(figure, "in the head")
    assert (tail.customdata[0][0], tail.x[0]) == ("&lt;b&gt;rare&lt;/b&gt;", carried["<b>rare</b>"])
    assert (head.customdata[0][0], head.x[0]) == ("%&#123;x}", carried["%{x}"])
    assert set(figure.layout.yaxis.ticktext) == {"&lt;b&gt;rare&lt;/b&gt;", "%&#123;x}"}
    assert figures.carriers(queries.carried(run, 1, 5.0)).data == ()
