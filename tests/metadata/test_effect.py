import numpy as np

from curation.metadata.effect import count_grid, effects


def test_the_grid_lies_around_the_default_or_where_the_counts_begin():
    assert count_grid(np.array([1, 10**9]), around=100) == [
        5,
        10,
        20,
        50,
        100,
        200,
        500,
        1000,
        2000,
        5000,
        10_000,
        20_000,
    ]
    assert count_grid(np.array([38_925]), around=100)[:2] == [20_000, 50_000]
    assert count_grid(np.array([], np.int64), around=1)[0] == 1


def test_thresholds_are_inclusive_and_marked_ones_are_among_them():
    found = effects(np.array([3.0, 1.0, 2.0, 2.0]), [1.0, 2.0, 9.0], {"chosen": 1.5, "paper": 9.0, "none": None})
    assert [(one.threshold, one.entries, one.note) for one in found] == [
        (1.0, 4, ""),
        (1.5, 3, "chosen"),
        (2.0, 3, ""),
        (9.0, 0, "paper"),
    ]


def test_one_threshold_can_be_known_as_two_things():
    assert effects(np.array([1]), [], {"chosen": 70, "paper": 70.0})[0].note == "chosen, paper"
