import numpy as np
import pyarrow as pa
import pytest

from curation import figures, queries
from curation.curves import CurveBuilder, Curves, threshold_grid
from curation.figures import escaped, ranked, shown_ranks


def one_entry_texts(entry_count: np.ndarray) -> Curves:
    """The curves of a pool in which every text holds one entry, and t_min spreads evenly over its count."""
    builder = CurveBuilder(entry_count, threshold_grid(int(entry_count.max())))
    for entry_id, count in enumerate(entry_count.tolist()):
        lists = pa.ListArray.from_arrays(np.arange(count + 1, dtype=np.int32), np.full(count, entry_id, np.int32))
        builder.add(lists, np.arange(count) + 0.5)
    return builder.finish()


def trace(figure, start):
    return next(trace for trace in figure.data if trace.name.startswith(start))


@pytest.mark.parametrize("entries", [1, 2, 999, 1000, 1001, 500_000])
def test_the_first_thousand_ranks_are_all_drawn_and_the_last_one_is(entries):
    ranks = shown_ranks(entries)

    assert ranks[: min(entries, 1000)].tolist() == list(range(1, min(entries, 1000) + 1))
    assert ranks[-1] == entries
    assert ranks.size <= 1500
    assert (np.diff(ranks) > 0).all()


def test_later_ranks_are_spread_evenly_on_the_logarithm():
    steps = np.diff(np.log(shown_ranks(500_000)[1000:]))

    # 500 points over ln(500); rounding to whole ranks moves a point by at most half a rank of 1,000
    assert steps == pytest.approx(np.log(500) / 499, abs=0.001)


def test_ranks_that_are_asked_for_are_drawn():
    assert {54_321, 54_322} <= set(shown_ranks(500_000, also=(54_321, 54_322, 0, 500_001)).tolist())


def test_ranked_holds_counts_head_and_sums_of_all_entries():
    curves = one_entry_texts(np.array([3, 0, 10, 7]))

    found = ranked(curves, np.array([5, 4, 3]), pa.chunked_array([["dog", "never", "a", "cat"]]), t=5.0)

    assert found.rank.tolist() == [1, 2, 3]
    assert found.entry == ["a", "cat", "dog"]
    assert found.count.tolist() == [10, 7, 3]
    assert found.matches.tolist() == [10, 17, 20]
    assert found.kept_matches.tolist() == [5, 9, 12]
    assert (found.entries, found.head, found.head_matches) == (3, 2, 17)
    assert (found.all_matches, found.all_kept_matches) == (20, 12)


def test_an_entry_with_exactly_t_texts_belongs_to_the_head():
    curves = one_entry_texts(np.array([10, 7, 3]))

    assert ranked(curves, np.zeros(3, np.int64), pa.chunked_array([["a", "b", "c"]]), t=7.0).head == 2


def test_rank_frequency_draws_the_counts_of_the_library(zipf_run):
    t = 100.0
    found = ranked(zipf_run.curves, queries.entry_kept_at(zipf_run, t), zipf_run.entries["entry"], t)

    figure = figures.rank_frequency(found, queries.size(zipf_run, t))

    raw, balanced, cap = (trace(figure, name) for name in ("raw", "balanced", "cap"))
    assert list(raw.y) == sorted((count for count in zipf_run.entry_count.tolist() if count), reverse=True)
    assert list(balanced.y) == queries.entry_kept_at(zipf_run, t).tolist()
    assert list(cap.y) == [100.0, 100.0]
    head = int((zipf_run.entry_count >= t).sum())
    assert figure.layout.shapes[0].x1 == head + 0.5
    assert figure.layout.annotations[0].text.startswith(f"<b>head</b>  {head:,} entries")
    assert raw.name == "raw: all 4,000 pairs"
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")


def test_cumulative_ends_at_all_matches(zipf_run):
    found = ranked(zipf_run.curves, queries.entry_kept_at(zipf_run, 100.0), zipf_run.entries["entry"], 100.0)

    figure = figures.cumulative(found, queries.size(zipf_run, 100.0))

    assert trace(figure, "raw").y[-1] == zipf_run.info["totals"]["matches"]
    assert trace(figure, "balanced").y[-1] == queries.entry_kept_at(zipf_run, 100.0).sum()


def test_size_by_t_marks_a_t_off_the_grid_where_it_belongs(zipf_run):
    size = queries.size(zipf_run, 33.333)

    figure = figures.size_by_t(zipf_run.curves, size, own_t=zipf_run.t)

    assert list(trace(figure, "pairs kept").y) == zipf_run.curves.kept.tolist()
    dot = trace(figure, "t = 33.333")
    assert (dot.x, dot.y) == ((33.333,), (size.kept,))
    assert trace(figure, "the run's own t = 100").y == (queries.size(zipf_run, 100.0).kept,)


def test_the_thresholds_of_the_paper_are_marked_where_they_lie_in_the_pool():
    curves = one_entry_texts(np.array([40_000, 10]))
    found = ranked(curves, curves.entry_kept[-1].astype(np.int64), pa.chunked_array([["of", "unicorn"]]), t=20_000.0)
    size = queries.Size(
        exact=True,
        t=20_000.0, kept=1, expected=1.0, sigma=0.0, pairs=40_010, matched=40_010, tail_share=0.0, kept_tail_share=0.0,
        entries=2, entries_matched=2, entries_covered=2, entries_at_cap=1,
    )  # fmt: skip

    assert list(trace(figures.rank_frequency(found, size), "t in the paper").y) == [15_000, 20_000, 35_000]
    assert list(trace(figures.size_by_t(curves, size, 20_000.0), "t in the paper").x) == [15_000, 20_000, 35_000]


def test_an_entry_without_a_kept_pair_has_no_point_on_the_logarithm(zipf_run):
    kept = np.zeros(zipf_run.curves.ranked_entry_id.size, np.int64)
    found = ranked(zipf_run.curves, kept, zipf_run.entries["entry"], 1.0)

    figure = figures.rank_frequency(found, queries.size(zipf_run, 1.0))

    assert np.isnan(np.array(trace(figure, "balanced").y)).all()


def test_a_pool_that_matches_nothing_can_be_drawn(make_run):
    run = make_run(["x", "y"], t=2.0)
    found = ranked(run.curves, queries.entry_kept_at(run, 2.0), run.entries["entry"], 2.0)
    size = queries.size(run, 2.0)

    for figure in (figures.rank_frequency(found, size), figures.cumulative(found, size)):
        assert np.isfinite(figure.layout.xaxis.range).all()
    assert figures.size_by_t(run.curves, size, 2.0).data


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


def test_the_ranks_of_some_entries_are_their_own(zipf_run):
    entry_kept = queries.entry_kept_at(zipf_run, 100.0)
    only = np.arange(entry_kept.size) % 2 == 1
    found = ranked(zipf_run.curves, entry_kept, zipf_run.entries["entry"], 100.0, only)
    count = zipf_run.curves.ranked_entry_count[only]
    assert (found.entries, found.head) == (count.size, (count >= 100).sum())
    assert found.count.tolist() == count.tolist()
    assert found.all_kept_matches == entry_kept[only].sum()


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
