import numpy as np
import pyarrow as pa
import pytest

from curation import figures, queries
from curation.class_lists import parse_names
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


@pytest.mark.parametrize("largest", [0, 1, 2, 9, 10, 11, 1000, 10**9])
def test_bins_of_counts_hold_every_count_and_the_small_ones_alone(largest):
    starts = figures.count_bins(largest)
    assert starts[:6].tolist() == [1, 2, 3, 4, 5, 6][: starts.size]
    assert starts[-1] <= max(largest, 1) < starts[-1] * 1.5 + 1
    assert starts.size <= 10 * np.log10(max(largest, 1)) + 1


def compared(*rows: tuple[str, int, int]) -> pa.Table:
    entry, kept_a, kept_b = zip(*rows, strict=True)
    return pa.table({"entry": entry, "count_a": kept_a, "kept_a": kept_a, "count_b": kept_b, "kept_b": kept_b})


def test_every_entry_is_in_a_cell_of_what_is_kept_of_it():
    entries = compared(("dog", 9, 1), ("cat", 8, 1), ("cow", 0, 3), ("ant", 3, 0), ("bee", 0, 0), ("fly", 9, 1))

    figure = figures.kept_against_kept(entries, entries.slice(0, 1))

    (cells,) = (trace for trace in figure.data if trace.type == "heatmap")
    z, text = np.array(cells.z), np.array(cells.text)
    assert z.shape == text.shape == (len(cells.x) - 1,) * 2
    found = {text[at]: round(10 ** z[at]) for at in map(tuple, np.argwhere(np.isfinite(z)))}
    assert found == {
        "kept in A: 8 or more<br>kept in B: 1<br>entries: 3": 3,
        "kept in A: 0<br>kept in B: 3<br>entries: 1": 1,
        "kept in A: 3<br>kept in B: 0<br>entries: 1": 1,
    }
    column = [float(edge) for edge in cells.x]
    assert column[0] < figures.NOTHING < column[1] < np.log10(0.5) == column[2]
    b, a = np.argwhere(z == z[np.isfinite(z)].max())[0]
    assert column[a] < np.log10(8) < np.log10(9) < column[a + 1]
    assert column[b] < 0.0 < column[b + 1]


def test_entries_that_changed_are_named_where_they_stand_and_one_of_0_in_its_lane():
    changed = compared(("<b>dog</b>", 100, 1), ("cow", 0, 10), ("cow %{x}", 0, 10))

    (points,) = (t for t in figures.kept_against_kept(changed, changed).data if t.name == "share changed most")

    assert list(points.x) == [2.0, figures.NOTHING, figures.NOTHING]
    assert list(points.y) == [0.0, 1.0, 1.0]
    assert list(points.customdata[0]) == ["&lt;b&gt;dog&lt;/b&gt;", 100, 1, 100, 1]
    assert list(points.text) == ["&lt;b&gt;dog&lt;/b&gt;", "cow", ""]  # the third would be written over the second


def test_sets_without_a_kept_pair_can_be_drawn():
    nothing = compared(("dog", 0, 0))
    assert figures.kept_against_kept(nothing, nothing.slice(0, 0)).data


def test_class_names_are_drawn_by_count_with_the_cap_over_the_head(zipf_run):
    fit = queries.labels(zipf_run, parse_names("w30\nw0\nw45\nw3\nno such"), 100.0)

    figure = figures.names_by_count(fit.names, 100.0)

    before, after, cap = (trace(figure, name) for name in ("before", "after", "cap t = 100"))
    assert list(before.y) == [4000, 1000, 129, figures.NO_COUNT]
    assert [row[0] for row in before.customdata] == ["w0", "w3", "w30", "w45"]
    kept = {row["name"]: row["kept"] for row in fit.names.to_pylist()}
    assert list(after.y) == [kept["w0"], kept["w3"], kept["w30"]]
    assert (list(cap.x), list(cap.y)) == ([0.5, 3.5], [100.0, 100.0])
    assert figure.layout.yaxis.ticktext[:2] == ("0", "1")
    assert not [t for t in figures.names_by_count(fit.names, None).data if t.name.startswith("cap")]


def test_similarities_mark_the_nearest_label_and_write_names_as_text():
    cosine = np.array([[0.1, 0.3], [0.25, 0.2]])
    heat, nearest = figures.similarities(["<b>a</b>.png", "%{x}"], ["dog", "<a href=x>"], cosine, cosine).data
    assert heat.z.tolist() == cosine.tolist()
    assert heat.text[0] == [
        "<b>&lt;b&gt;a&lt;/b&gt;.png</b><br>dog",
        "<b>&lt;b&gt;a&lt;/b&gt;.png</b><br>&lt;a href=x&gt;",
    ]
    assert (list(nearest.x), list(nearest.y)) == ([1, 0], [0, 1])
