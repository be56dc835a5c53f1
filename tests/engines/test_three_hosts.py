"""Three machines, each with a network of its own, on one bridge: a link can be pulled.

A dead process refuses connections; behind a pulled link there is only silence, until somebody's patience ends.
"""

import os
import subprocess
import sys
import time

import pytest

import engines.work as work
from curation.engines import Unit
from curation.engines.ray import RayEngine
from engines.cluster import Cluster, needs_cluster, on_own_network, processes_of

pytestmark = [pytest.mark.ray, pytest.mark.long, needs_cluster]

HEAD, FIRST, SECOND = "10.77.0.1", "10.77.0.2", "10.77.0.3"


class Hosts(Cluster):
    """A head at one end of a bridge, in the namespace of the driver, and hosts with a CPU each at its other ends."""

    def plug_in(self):
        """The bridge, and this thread's end of it."""
        _ip("link add bridge type bridge")
        _ip(f"address add {HEAD}/24 dev bridge")
        _ip("link set bridge up")

    def add_hosts(self, *names):
        """Hosts by their addresses; the name of each one's cable is its last number."""
        wait = (
            "ip link set lo up && until ip -4 -brief address show dev eth0 2>/dev/null | grep -q UP; do sleep 0.1; done"
        )
        self.nodes |= {name: self.start_node(name, before=wait, apart=("--net",)) for name in names}
        for name in names:
            inside = self.enter(name)
            _ip(f"link add {_cable(name)} type veth peer name eth0 netns {inside[-1].partition('=')[2]}")
            _ip(f"link set {_cable(name)} master bridge up")
            _ip(f"address add {name}/24 dev eth0", *inside)
            _ip("link set eth0 up", *inside)
        self.wait(self.nodes)

    def enter(self, name):
        """A prefix for a command that is to run on a host."""
        until = time.monotonic() + 10
        while not (found := processes_of(self.nodes[name])):
            assert time.monotonic() < until
        return "nsenter", "--net", "--mount", "--pid", f"--target={next(iter(found))}"


def _cable(name):
    return f"cable{name.rpartition('.')[2]}"


def _ip(command, *before):
    subprocess.run([*before, "ip", *command.split()], check=True)


@pytest.fixture
def hosts():
    with on_own_network() as folder:
        made = Hosts(folder, HEAD)
        try:
            made.plug_in()
            made.start(cpus=0)
            made.add_hosts(FIRST, SECOND)
            yield made
        finally:
            made.close()


def test_the_units_of_a_host_whose_link_is_pulled_are_done_by_others(hosts, tmp_path):
    units = [Unit(index, "pool.parquet", (index,)) for index in range(8)]
    done, pulled = [], []

    def cancel():
        if not pulled and len(list(tmp_path.iterdir())) >= 2:
            pulled.append(True)
            _ip(f"link set {_cable(SECOND)} down")
        return False

    with RayEngine(hosts.address) as engine:
        env = {"folder": str(tmp_path), "seconds": 3.0}
        engine.map_units(work.sleep, units, env, on_done=lambda unit, got: done.append(got), cancel=cancel)
        assert sorted(done) == list(range(8))
        assert len(list(tmp_path.iterdir())) > 8
        assert {node.name: node.alive for node in engine.status.nodes} == {FIRST: True, SECOND: False}


def test_a_driver_whose_link_to_the_head_is_pulled_says_so_and_ends(hosts, tmp_path):
    driver = subprocess.Popen(
        [*hosts.enter(FIRST), sys.executable, "-m", "engines.drive", hosts.address, tmp_path, "600"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert driver.stdout.readline() == "ready\n"
    _ip(f"link set {_cable(FIRST)} down")
    out, err = driver.communicate(timeout=90)
    assert (out, driver.returncode) == ("", 1)
    assert err.startswith(f"the head at {hosts.address} does not answer any more; what is done is kept")
    assert err.count("\n") == 1
