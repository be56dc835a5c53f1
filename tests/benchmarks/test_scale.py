"""What the page on scale stands on: the simulation against what can be told without it, and toy sizes of the rest."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cost_model
import measure
import pytest
import scale_report
import simulate_cluster as of_clusters
from cluster_simulation import Cluster, Driver, simulate
from cost_model import Cost, Job, Phase
from engine_costs import Cpu, engines_cost, has_ray
from simulate_cluster import simulate_cluster
from test_benchmarks import FIELDS, numbers
from two_engines import two_engines
from unit_costs import unit_costs

from curation.runs.parts import FAN_IN, groups

FREE = Driver(0.0)
toy_sizes = pytest.mark.long
"""The measuring scripts themselves, in toy sizes: a minute and a half together."""

needs_ray = pytest.mark.skipif(not has_ray(), reason="no Ray, or no network namespace of its own (root on Linux)")


class OfThisProcess:
    """A cluster whose head is this process's own child."""

    def __init__(self, head: Any) -> None:
        self.head = head
        self.nodes: dict[str, Any] = {}


def at_once(nodes: int = 1, cores: int = 1, **more: Any) -> Cluster:
    """Nodes that start and sync in no time."""
    return Cluster(nodes, cores, **{"sync_s": 0.0, **more})


@pytest.fixture(scope="module")
def costs() -> dict[str, Any]:
    """A line of unit_costs."""
    return json.loads(json.dumps(measure.line(unit_costs, pairs=3000, files=2, entries=300, few=20, many=60, ray=0)))


@pytest.fixture(scope="module")
def simulated(costs: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A line of simulate_cluster, for small clusters."""
    record = tmp_path_factory.mktemp("scale") / "record.jsonl"
    record.write_text(json.dumps(costs) + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(of_clusters, "SIZES", {"10 M": 10_000_000})
        patch.setattr(of_clusters, "NODES", (1, 10))
        patch.setattr(of_clusters, "CHANGED_SIZES", ("10 M",))
        patch.setattr(of_clusters, "CHANGED_NODES", 10)
        line = measure.line(simulate_cluster, pairs=3000, files=2, entries=300, costs=record, ray=0)
    return json.loads(json.dumps(line))


def test_units_are_shared_among_all_cores():
    found = simulate([Phase("match", 64, Cost(2.0))], at_once(2, 4), FREE)
    assert (found.wall, found.tried, found.bound) == (16.0, 64, "cores")


def test_a_phase_waits_for_the_one_before_and_the_driver_for_all_units():
    phases = [Phase("match", 3, Cost(1.0)), Phase("total", 0, Cost(5.0)), Phase("balance", 2, Cost(1.0))]
    found = simulate(phases, at_once(1, 2), FREE)
    assert found.wall == 2 + 5 + 1
    assert found.by_phase == {"start": 0.0, "match": 2.0, "total": 5.0, "balance": 1.0}
    assert found.bound_by["driver alone"] == 5.0


def test_units_wait_for_a_driver_that_is_slower_than_they_are():
    found = simulate([Phase("match", 1000, Cost(0.1))], at_once(1, 64), Driver(unit_s=0.01))
    assert found.wall == pytest.approx(10, rel=0.1)
    assert found.bound == "driver"


def test_a_driver_that_slows_down_takes_time_with_the_square_of_the_units():
    seconds = [
        simulate([Phase("match", units, Cost(0.0))], at_once(1, 8), Driver(0.0, per_done_s=1e-6)).wall
        for units in (1000, 2000)
    ]
    assert seconds[0] == pytest.approx(1e-6 * 1000**2 / 2, rel=0.05)
    assert seconds[1] == pytest.approx(4 * seconds[0], rel=0.05)


def test_units_handed_over_ahead_keep_the_cores_busy_while_the_driver_is_busy():
    phases = [Phase("match", 800, Cost(1.0, read_mb=1.0), spread=0.1)]
    seconds = [simulate(phases, at_once(1, 8), Driver(0.05, ahead=ahead)).wall for ahead in (1.0, 2.0)]
    assert seconds[1] < 0.99 * seconds[0]


def test_the_shared_file_system_moves_so_many_bytes_a_second_and_a_link_its_own():
    phases = [Phase("match", 100, Cost(0.0, read_mb=60.0, written_mb=40.0))]
    through_all = simulate(phases, at_once(4, 8, shared_mb_s=1000.0, node_mb_s=1e9), FREE)
    assert (through_all.wall, through_all.bound) == (pytest.approx(10), "file system")
    assert simulate(phases, at_once(4, 8, shared_mb_s=1e9, node_mb_s=500.0), FREE).wall == pytest.approx(5, rel=0.1)


def test_few_units_leave_cores_without_work():
    found = simulate([Phase("curves", 2, Cost(7.0))], at_once(10, 16), FREE)
    assert (found.wall, found.bound) == (7.0, "too few units")


def test_units_that_vary_take_as_much_in_all_and_the_last_ones_longer():
    even, uneven = (simulate([Phase("match", 1600, Cost(1.0), spread)], at_once(1, 16), FREE) for spread in (0.0, 0.8))
    assert uneven.cores_busy == pytest.approx(even.cores_busy, rel=0.1)
    assert uneven.wall > even.wall * 1.01


def test_units_of_nodes_that_fail_are_tried_again_until_all_are_done():
    phases = [Phase("match", 2000, Cost(10.0)), Phase("total", 0, Cost(500.0)), Phase("balance", 2000, Cost(10.0))]
    calm = simulate(phases, at_once(10, 4), FREE)
    failing = at_once(10, 4, fails_per_day=100.0, notice_s=30.0, back_s=300.0)
    stormy = simulate(phases, failing, FREE)
    assert calm.tried == 4000 < stormy.tried
    assert calm.wall < stormy.wall < 3 * calm.wall
    assert stormy == simulate(phases, failing, FREE)
    assert stormy != simulate(phases, failing, FREE, seed=1)


@toy_sizes
def test_a_phase_for_each_kind_of_unit_and_each_level_of_a_tree(costs):
    phases = Job(cost_model.figures_of(costs), 1_000_000_000, 300).phases()
    counted = [(phase.name, phase.units) for phase in phases if phase.units]
    assert counted == [
        ("arrays", 1), ("match", 4000), ("count sums", 125), ("count sums", 4), ("count sums", 1), ("balance", 4000),
        ("curves", 65), ("curve sums", 9), ("curve sums", 2),
    ]  # fmt: skip
    assert [len(groups(count, FAN_IN, Path())) for count in (4000, 125, 4)] == [125, 4, 1]


@toy_sizes
def test_twice_the_pairs_cost_twice_as_much_in_units(costs):
    one, two = (Job(cost_model.figures_of(costs), pairs, 300).phases() for pairs in (10**9, 2 * 10**9))
    of_match, of_both = ([phase.units * phase.cost.cpu_s for phase in both][2] for both in (one, two))
    assert of_both == pytest.approx(2 * of_match)


@toy_sizes
def test_costs_are_measured_for_all_that_the_model_asks_for(costs):
    assert set(costs) == FIELDS
    assert costs["proven"] == ["digests of entries and of (uid, t_min): alone, and by two workers"]
    assert all(number >= 0 for number in numbers(costs["figures"]))
    assert set(costs["figures"]["units"]) == {"match", "balance", "curves"}
    assert costs["figures"]["units"]["balance"]["written_bytes_per_pair"] > 20


@toy_sizes
def test_what_is_simulated_follows_from_what_was_measured(costs, simulated):
    assert simulated["proven"][0] == "simulated seconds on one core, and the sum of what units cost"
    figures = cost_model.figures_of(costs)
    for nodes, found in simulated["figures"]["simulated"]["10 M"].items():
        again = of_clusters.simulated(figures, 10_000_000, int(nodes))
        assert measure._rounded(again) == found
    checked = simulated["figures"]["checked"]
    assert set(checked) == {"local x1", "local x2"}
    assert all(number > 0 for number in numbers(checked))


def test_the_page_is_the_report_of_the_record():
    assert scale_report.PAGE.read_text(encoding="utf-8") == scale_report.render(scale_report.recorded())


def test_the_recorded_simulation_is_that_of_the_recorded_costs():
    lines = {line["benchmark"]: line for line in scale_report.recorded()}
    if "simulate_cluster" not in lines:
        pytest.skip("nothing is recorded yet")
    figures = cost_model.figures_of(lines["unit_costs"])
    for nodes, found in lines["simulate_cluster"]["figures"]["simulated"]["1 B"].items():
        assert measure._rounded(of_clusters.simulated(figures, 10**9, int(nodes))) == found


@toy_sizes
def test_the_page_shows_every_table(costs, simulated):
    page = scale_report.render([costs, simulated])
    assert "{{" not in page
    assert page.count(scale_report.NOTHING) == 1  # two_engines
    assert "| 10 M | 10 |" in page and "| match |" in page and "| local x2 | CPU s |" in page
    assert scale_report.COMMANDS["two_engines"] in page


def test_what_a_worker_of_a_cluster_has_spent_is_known_when_it_is_gone():
    busy = "sum(range(30_000_000)); import time; time.sleep(60)"
    command = [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"]
    with subprocess.Popen(command, start_new_session=True) as head:
        cpu = Cpu(OfThisProcess(head))
        before = cpu.seconds()
        while (spent := cpu.seconds() - before) < 0.2:
            time.sleep(0.05)
        os.killpg(head.pid, signal.SIGKILL)
    assert cpu.seconds() - before >= spent


@pytest.mark.ray
@needs_ray
@toy_sizes
def test_what_ray_adds_to_a_unit_is_measured(tmp_path):
    found = engines_cost(tmp_path, 5, 20, ray=True)
    assert found["ray"]["wall_us"] > found["local"]["wall_us"] > 0
    assert found["ray"]["handed_over_at_once"] == 20


@pytest.mark.ray
@needs_ray
@toy_sizes
def test_both_engines_come_to_the_same_run():
    line = measure.line(two_engines, pairs=3000, files=2, entries=300, repeats=1)
    assert line["proven"] == ["digests of entries and of (uid, t_min) of all runs"]
    assert all(number > 0 for number in numbers(line["figures"]["cpu_us_per_pair"]))
    page = scale_report.render([json.loads(json.dumps(line))])
    assert "Ray takes" in page and "| ray |" in page
