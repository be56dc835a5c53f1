import math

import pytest

from curation.clip.training.config import TrainConfig
from curation.figures_training import accuracy_by_samples, loss_by_samples
from trainings import metrics_of

METRICS = metrics_of(TrainConfig(samples=25_600))


def test_the_loss_is_drawn_over_the_samples_beside_that_of_guessing():
    guessing, loss = loss_by_samples(METRICS, 51_200, 256).data
    assert list(guessing.y) == pytest.approx([math.log(256)] * 2)
    assert (len(loss.x), loss.x[-1]) == (40, 25_600)
    assert list(loss_by_samples(METRICS, 51_200, 256).layout.xaxis.range) == [0, 51_200]


def test_accuracy_has_a_point_where_it_was_measured():
    mean_per_class, top1 = accuracy_by_samples(METRICS, 25_600).data
    assert list(top1.x) == [2560 * n for n in range(1, 11)]
    assert (top1.y[-1], mean_per_class.y[-1]) == (pytest.approx(0.5), pytest.approx(0.45))


def test_before_the_first_line_the_figures_are_there_and_empty():
    assert [len(trace.x) for trace in accuracy_by_samples([], 25_600).data] == [0, 0]
    assert len(loss_by_samples([], 25_600, 256).data[1].x) == 0


def test_an_accuracy_next_to_nothing_does_not_fill_the_axis():
    metrics = metrics_of(TrainConfig(samples=25_600), best=0.001)
    assert accuracy_by_samples(metrics, 25_600).layout.yaxis.range[1] > 0.05
    assert accuracy_by_samples(METRICS, 25_600).layout.yaxis.range[1] == pytest.approx(1.08 * 0.5)
