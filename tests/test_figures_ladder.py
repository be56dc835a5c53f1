import numpy as np
import pyarrow as pa
import pytest

from curation.figures_ladder import accuracy_by_arm, accuracy_by_class, accuracy_by_t


def row(arm, group, accuracy, t=None, items=100):
    return {
        "arm": arm, "rung": arm if t is None else f"{arm}-t{t:g}", "t": t, "group": group, "accuracy": accuracy,
        "low": accuracy - 0.1, "high": accuracy + 0.1, "pictures": 50, "seeds": 2, "items": items, "passes": 4.0,
    }  # fmt: skip


def table(*rows):
    return pa.Table.from_pylist(list(rows))


def test_each_arm_has_a_dot_and_an_interval_in_the_lane_of_each_group():
    found = table(row("matched", "all", 0.5), row("matched", "tail", 0.2), row("balanced", "all", 0.6, 20.0))
    figure = accuracy_by_arm(found)
    matched, told, balanced, _ = figure.data
    assert (matched.name, list(matched.x), balanced.name) == ("Matched", [0.5, 0.2], "Balanced")
    assert list(matched.error_x.array) == pytest.approx([0.1, 0.1])
    assert list(told.text) == ["50.0%", "20.0%"]
    assert [round(y) for y in matched.y] == [0, 1]
    assert matched.y[0] < balanced.y[0] < 0.5
    assert list(figure.layout.yaxis.ticktext) == ["All classes", "Tail"]


def test_the_sweep_is_in_the_order_of_t_with_matched_as_a_dashed_line():
    found = table(
        row("matched", "tail", 0.3), row("balanced", "tail", 0.5, 20.0), row("balanced", "tail", 0.4, 2.0)
    )  # fmt: skip
    swept, matched, legend = accuracy_by_t(found).data
    assert (list(swept.x), list(swept.y)) == ([2.0, 20.0], [0.4, 0.5])
    assert (list(matched.x), list(matched.y), matched.line.dash) == ([2.0, 20.0], [0.3, 0.3], "dash")
    assert legend.name == "matched, without a cap"


def test_the_heat_map_has_the_most_frequent_class_on_top_and_arms_in_their_order():
    cells = [
        {"class": name, "group": group, "count": count, "pictures": 4, "arm": arm, "rung": rung, "t": t, "accuracy": a}
        for name, group, count, arm, rung, t, a in [
            ("<b>owl</b>", "tail", 3, "balanced", "b20", 20.0, 0.75), ("newt", "tail", 9, "balanced", "b20", 20.0, 0.5),
            ("newt", "tail", 9, "balanced", "b2", 2.0, 0.25), ("newt", "tail", 9, "matched", "matched", None, 0.0),
            ("dog", "head", 99, "matched", "matched", None, 1.0),
        ]
    ]  # fmt: skip
    figure = accuracy_by_class(pa.Table.from_pylist(cells), "tail", {"matched": "Matched", "b2": "2", "b20": "20"})
    np.testing.assert_array_equal(figure.data[0].z, [[0.0, 0.25, 0.5], [np.nan, np.nan, 0.75]])
    assert list(figure.layout.xaxis.ticktext) == ["Matched", "2", "20"]
    assert list(figure.layout.yaxis.ticktext) == ["newt", "&lt;b&gt;owl&lt;/b&gt;"]


def test_an_arm_without_known_pairs_is_drawn_all_the_same():
    (dot, _) = accuracy_by_arm(table(row("raw", "all", 0.5, items=None))).data
    assert dot.customdata[0][3] == "2 seeds"
