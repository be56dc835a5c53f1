import pyarrow as pa

from curation.clip.ladder.rescued import rescued


def cells(*rows):
    """(class, group, count, arm, t, accuracy), each with ten pictures."""
    names = ("class", "group", "count", "arm", "t", "accuracy")
    return pa.Table.from_pylist([{**dict(zip(names, row, strict=True)), "pictures": 10} for row in rows])


def test_the_t_at_which_a_tail_class_was_best_and_its_gain_over_matched():
    found = rescued(
        cells(
            ("owl", "tail", 3, "matched", None, 0.1), ("owl", "tail", 3, "balanced", 50.0, 0.4),
            ("owl", "tail", 3, "balanced", 5.0, 0.6), ("owl", "tail", 3, "online", 5.0, 0.9),
            ("dog", "head", 900, "matched", None, 1.0),
        )
    )  # fmt: skip
    assert found.to_pylist() == [
        {"class": "owl", "count": 3, "pictures": 10, "matched": 0.1, "t": 5.0, "accuracy": 0.6, "gain": 0.5}
    ]


def test_of_equals_the_lowest_t_is_told():
    rows = [("owl", "tail", 3, "balanced", t, 0.5) for t in (200.0, 20.0, 60.0)]
    assert rescued(cells(*rows))["t"].to_pylist() == [20.0]


def test_classes_come_by_their_counts_in_the_pool():
    rows = [(name, "tail", count, "matched", None, 0.5) for name, count in [("b", 3), ("c", 9), ("a", 3)]]
    assert rescued(cells(*rows))["class"].to_pylist() == ["c", "a", "b"]


def test_what_was_not_trained_is_null_and_a_class_without_pictures_is_left_out():
    (row,) = rescued(cells(("owl", "tail", 3, "balanced", 5.0, 0.6))).to_pylist()
    assert (row["matched"], row["gain"], row["accuracy"]) == (None, None, 0.6)
    none = cells(("owl", "tail", 3, "matched", None, 0.0)).set_column(6, "pictures", pa.array([0]))
    assert len(rescued(none)) == 0
    assert len(rescued(pa.table({}))) == 0
