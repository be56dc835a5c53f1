"""What a cluster can do to a run: its processes and machines die, and others were set up differently.

Each attempt of a unit leaves a file: where more attempts than units are found, what was killed was at work.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import engines.work as work
from curation.engines import Unit
from curation.engines.ray import RayEngine
from curation.engines.shared import seal
from curation.errors import BadArgument, CurationError, MissingExtra
from engines.cluster import ADDRESS, cluster, needs_cluster, own_network, processes_of

UNITS = [Unit(index, "pool.parquet", (index,)) for index in range(8)]


def on_cluster(test):
    return pytest.mark.ray(needs_cluster(test))


@pytest.fixture(scope="module")
def two_nodes():
    with cluster(nodes=2) as made:
        yield made


@pytest.fixture
def engine(two_nodes):
    with RayEngine(ADDRESS) as made:
        yield made


def run_and_interfere(engine, folder, interfere):
    """Do all units, each of which takes a second; interfere once, when two are under way. The receipts by unit."""
    done, once = {}, []

    def cancel():
        if not once and len(list(folder.iterdir())) >= 2:
            once.append(True)
            interfere()
        return False

    env = {"folder": str(folder), "seconds": 1.0}
    engine.map_units(work.sleep, UNITS, env, on_done=lambda unit, got: done.update({unit.index: got}), cancel=cancel)
    return done


def start_driver(folder, seconds):
    driver = subprocess.Popen(
        [sys.executable, "-m", "engines.drive", ADDRESS, folder, str(seconds)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    first = driver.stdout.readline()
    assert first == "ready\n", first + driver.communicate()[1]
    return driver


def refusal(python, environment):
    """The one line that a driver says before any work."""
    found = subprocess.run(
        [*python, "-m", "engines.drive", ADDRESS, "/nowhere", "0"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (found.stdout, found.returncode) == ("", 1)
    assert found.stderr.count("\n") == 1
    return found.stderr


@on_cluster
def test_a_worker_killed_inside_a_unit_costs_that_try_only(engine, two_nodes, tmp_path):
    def kill_a_worker():
        at_work = [pid for pid, name in processes_of(two_nodes.nodes["127.0.0.2"]).items() if "ray::_run" in name]
        os.kill(at_work[0], signal.SIGKILL)

    assert run_and_interfere(engine, tmp_path, kill_a_worker) == {index: index for index in range(8)}
    assert len(list(tmp_path.iterdir())) == 9
    assert engine.status.retries == 1


@on_cluster
def test_a_node_that_dies_is_called_lost_and_its_units_are_done_by_others(engine, two_nodes, tmp_path):
    assert run_and_interfere(engine, tmp_path, lambda: two_nodes.kill("127.0.0.3")) == {n: n for n in range(8)}
    assert len(list(tmp_path.iterdir())) > 8
    until = time.monotonic() + 30
    while {node.name: node.alive for node in engine.status.nodes} != {"127.0.0.2": True, "127.0.0.3": False}:
        assert time.monotonic() < until, engine.status
        time.sleep(0.2)
    assert engine.status.workers == 1


@on_cluster
def test_a_node_that_joins_is_given_units(engine, two_nodes, tmp_path):
    def done_by_joined():
        return sum(node.done for node in engine.status.nodes if node.name == "127.0.0.4")

    two_nodes.add("127.0.0.4")
    deadline = time.monotonic() + 60
    while not done_by_joined():
        assert time.monotonic() < deadline, engine.status
        engine.map_units(work.sleep, UNITS, {"folder": str(tmp_path), "seconds": 0.2}, on_done=lambda unit, got: None)


@on_cluster
@pytest.mark.parametrize(
    ("program", "line"),
    [
        pytest.param("/gcs_server", f"the head at {ADDRESS} does not answer any more", marks=pytest.mark.long),
        ("/raylet ", "Ray has ended on this machine"),
    ],
)
def test_the_death_of_what_the_driver_needs_ends_it_in_one_line(tmp_path, program, line):
    with cluster(nodes=0, cpus_of_head=1) as one_machine:
        driver = start_driver(tmp_path, seconds=600)
        one_machine.kill_on_head(program)
        out, err = driver.communicate(timeout=60)
    assert (out, driver.returncode) == ("", 1)
    assert err == f"{line}; what is done is kept, resume when it is back, or with --engine local\n"


@on_cluster
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_a_driver_as_elsewhere_and_ray_says_nothing(two_nodes, tmp_path, number):
    driver = start_driver(tmp_path, seconds=600)
    driver.send_signal(number)
    assert driver.communicate(timeout=30) == ("cancelled\n", "")
    assert driver.returncode == 130


@on_cluster
def test_a_driver_that_is_killed_takes_its_units_with_it(two_nodes, tmp_path):
    driver = start_driver(tmp_path, seconds=600)
    driver.kill()
    driver.communicate()
    until = time.monotonic() + 30
    while any("ray::_run" in name for node in two_nodes.nodes.values() for name in processes_of(node).values()):
        assert time.monotonic() < until
        time.sleep(0.2)


@on_cluster
def test_the_check_is_content_where_all_nodes_see_the_files(engine, tmp_path):
    pool = tmp_path / "pool.parquet"
    pool.write_bytes(b"PAR1")
    engine.check(tmp_path, [str(pool), str(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["pool.parquet"]


@on_cluster
def test_a_run_folder_that_a_node_does_not_see_is_named(engine, two_nodes, tmp_path):
    with (
        two_nodes.without("127.0.0.2", tmp_path),
        pytest.raises(CurationError, match=rf"^the node 127.0.0.2 does not see {tmp_path}; choose a folder that"),
    ):
        engine.check(tmp_path, [])


@on_cluster
def test_a_file_that_a_node_does_not_see_is_named(engine, two_nodes, tmp_path):
    pools, run = tmp_path / "pools", tmp_path / "run"
    pools.mkdir()
    run.mkdir()
    pool = pools / "pool.parquet"
    pool.write_bytes(b"PAR1")
    line = rf"^the node 127.0.0.2 cannot read {pool} \(No such file or directory\); keep it where all nodes see it"
    with two_nodes.without("127.0.0.2", pools), pytest.raises(CurationError, match=line):
        engine.check(run, [str(pool)])


@on_cluster
def test_a_uri_that_a_node_cannot_open_is_named(engine, tmp_path):
    with pytest.raises(CurationError, match=r"^the node 127\.0\.0\.\d cannot read nothing://here \(.*no filesystem"):
        engine.check(tmp_path, ["nothing://here"])


@on_cluster
def test_another_version_on_a_node_is_told(engine, tmp_path, monkeypatch):
    monkeypatch.setattr("curation.engines.probe.__version__", "9.9")
    with pytest.raises(CurationError, match=r"^the node .* runs headtail 0.1.0 and Python .*, this machine 9.9 and"):
        engine.check(tmp_path, [])


@on_cluster
def test_workers_map_a_copy_of_their_node_which_is_gone_after(two_nodes, tmp_path):
    (tmp_path / "parts").mkdir()
    np.save(tmp_path / "parts" / "counts.npy", np.arange(1000))
    seal(tmp_path)
    got = []
    with RayEngine(ADDRESS) as engine:
        env = {"arrays": str(tmp_path)}
        engine.map_units(work.map_array, UNITS, env, on_done=lambda unit, receipt: got.append(receipt))
        (place,) = {place for place, _ in got}
        assert not place.startswith(str(tmp_path)) and Path(place).is_dir()
    assert {total for _, total in got} == {499500}
    assert not Path(place).exists()


@pytest.mark.parametrize("address", ["auto", "ray://10.0.0.5:10001", "10.0.0.5", "10.0.0.5:0", "10.0.0.5:99999", ""])
def test_an_address_without_host_and_port_is_refused(address):
    with pytest.raises(BadArgument, match=r"allowed is HOST:PORT of its head, such as 10\.0\.0\.5:6379"):
        RayEngine(address)


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("curation.engines.ray.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'headtail\[ray\]'"):
        RayEngine("127.0.0.1:6379").__enter__()


@needs_cluster
def test_where_nobody_listens_there_is_no_cluster():
    with (
        own_network(),
        pytest.raises(CurationError, match=r"^no Ray cluster at 127.0.0.1:6379 .Connection refused.;"),
    ):
        RayEngine("127.0.0.1:6379").__enter__()


@needs_cluster
def test_what_listens_may_be_something_else(monkeypatch):
    monkeypatch.setattr("curation.engines.head.CONNECT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(CurationError, match=f"^no Ray cluster at {address} .no answer.; start one with"):
            RayEngine(address).__enter__()


@on_cluster
def test_another_version_of_ray_is_told(two_nodes, monkeypatch):
    monkeypatch.setattr("ray.__version__", "2.59.0")
    line = rf"^the cluster at {ADDRESS} runs Ray 2.60.0 and Python \S+, this machine Ray 2.59.0 and Python \S+; inst"
    with pytest.raises(CurationError, match=line):
        RayEngine(ADDRESS).__enter__()


@on_cluster
@pytest.mark.parametrize("token", ["another", "none"])
def test_a_token_that_is_wrong_or_missing_is_told(two_nodes, tmp_path, token):
    path = tmp_path / "token"
    if token == "another":
        path.write_text("ab" * 32)
    line = refusal([sys.executable], {"RAY_AUTH_TOKEN_PATH": str(path)})
    assert line.startswith(f"the cluster at {ADDRESS} does not take the token of this machine; set RAY_AUTH_MODE=token")


@on_cluster
def test_a_machine_that_is_no_node_of_the_cluster_is_told(two_nodes):
    line = refusal(["unshare", "--pid", "--fork", "--mount-proc", sys.executable], {})
    assert line == (
        "no Ray node on this machine; run this on a machine of the cluster, or make this one of them with "
        f"'ray start --address={ADDRESS} --num-cpus=0'\n"
    )
