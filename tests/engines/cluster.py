"""A real cluster of Ray on this machine, in a network namespace that only the test's thread and its children see.

Raylets listen on all addresses: in a namespace of their own nobody else reaches them. A head without CPUs on 127.0.0.1,
and nodes of one CPU each on 127.0.0.2, 127.0.0.3 and so on, with a token and a folder of their own.
"""

import ctypes
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PORT = 6399
HOST = "127.0.0.1"
ADDRESS = f"{HOST}:{PORT}"
_CLONE_NEWNET = 0x40000000
_START_S = 90

# Ray reads both once a process, so that all clusters of this one share a token
_TOKEN = secrets.token_hex(32)


def why_not() -> str | None:
    """Why no cluster can be made here, in words."""
    if importlib.util.find_spec("ray") is None:
        return "ray is not installed"
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    if missing := [name for name in ("unshare", "setpriv", "nsenter", "ip", "mount") if shutil.which(name) is None]:
        return f"no {' and no '.join(missing)} here"
    if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode:
        return "a network namespace needs root"
    return None


needs_cluster = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


class Cluster:
    """A head and its nodes. Each is a namespace of processes that ends as a whole, at the latest with this process."""

    def __init__(self, folder: Path, host: str = HOST) -> None:
        """host: the address of the head"""
        self.folder = folder
        self.address = f"{host}:{PORT}"
        self.head: subprocess.Popen[bytes] | None = None
        self.nodes: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = {
            **os.environ,
            "RAY_TMPDIR": str(folder),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
            "OMP_NUM_THREADS": "1",
            "RAY_health_check_period_ms": "500",  # six times as often as by default
        }

    def start(self, cpus: int) -> None:
        """The head."""
        host = self.address.partition(":")[0]
        place = ["--head", f"--port={PORT}", f"--node-ip-address={host}", f"--temp-dir={self.folder}"]
        self.head = self._start("head", *place, f"--num-cpus={cpus}", "--include-dashboard=false", "--no-monitor")
        self.wait({"head": self.head})

    def add(self, *names: str) -> None:
        """Nodes of one CPU, by their addresses."""
        started = {name: self.start_node(name) for name in names}
        self.nodes |= started
        self.wait(started)

    def start_node(self, name: str, before: str = "true", apart: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """Begin to start a node of one CPU. before: what its shell does first; apart: further options of unshare"""
        # as on a machine of its own: two raylets that start at once in one folder may take the same name
        hide = f"mount -t tmpfs nothing {self.folder}/session_latest/sockets"
        options = [f"--address={self.address}", "--num-cpus=1", f"--node-ip-address={name}"]
        return self._start(name, *options, before=f"{hide} && {before}", apart=apart)

    def kill(self, node: str) -> None:
        """A node ends as by a power cut: its raylet and all that it started."""
        _end(self.nodes.pop(node))

    @contextmanager
    def without(self, node: str, folder: Path) -> Iterator[None]:
        """The node sees an empty folder in place of this one."""
        pid = next(iter(processes_of(self.nodes[node])))
        inside = ["nsenter", "--mount", f"--target={pid}"]
        subprocess.run([*inside, "mount", "-t", "tmpfs", "nothing", folder], check=True)
        try:
            yield
        finally:
            subprocess.run([*inside, "umount", folder], check=True)

    def kill_on_head(self, program: str) -> None:
        """One process of the head ends, and those that would end the others for that do not notice."""
        found = processes_of(self.head)
        for number, name in ((signal.SIGSTOP, "ray start"), (signal.SIGKILL, program)):
            (pid,) = (pid for pid, command in found.items() if name in command)
            os.kill(pid, number)

    def close(self) -> None:
        """End everything."""
        for process in [*self.nodes.values(), *([self.head] if self.head else [])]:
            _end(process)

    def _start(
        self, name: str, *options: str, before: str = "true", apart: tuple[str, ...] = ()
    ) -> subprocess.Popen[bytes]:
        alone = ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *apart]
        first = ["sh", "-c", f'{before} && exec "$0" "$@"']
        ray = Path(sysconfig.get_path("scripts")) / "ray"
        always = ["--block", "--disable-usage-stats", "--include-log-monitor=false", "--object-store-memory=80000000"]
        with (self.folder / f"{name}.log").open("wb") as output:
            return subprocess.Popen(
                [*alone, *first, ray, "start", *always, *options],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait(self, started: dict[str, subprocess.Popen[bytes]]) -> None:
        """Until they have started; fails with what they said if they do not."""
        until = time.monotonic() + _START_S
        for name, process in started.items():
            log = self.folder / f"{name}.log"
            while "Ray runtime started" not in log.read_text():
                if process.poll() is not None or time.monotonic() > until:
                    pytest.fail(f"{name} did not start in {_START_S} s:\n{log.read_text()[-4000:]}")
                time.sleep(0.1)


@contextmanager
def cluster(nodes: int, cpus_of_head: int = 0) -> Iterator[Cluster]:
    """A cluster in a namespace that this thread is in until the end."""
    with on_own_network() as folder:
        made = Cluster(folder)
        try:
            made.start(cpus_of_head)
            made.add(*(f"127.0.0.{number + 2}" for number in range(nodes)))
            yield made
        finally:
            made.close()


@contextmanager
def on_own_network() -> Iterator[Path]:
    """A folder for a cluster, while this thread is in a namespace of its own and finds the token as a driver does."""
    folder = Path(tempfile.mkdtemp(prefix="ht", dir="/tmp"))  # sockets have paths of 107 bytes at most
    try:
        token = folder / "token"
        token.touch(mode=0o600)  # Ray opens the folder to all
        token.write_text(_TOKEN)
        with own_network(), pytest.MonkeyPatch.context() as patch:
            patch.setenv("RAY_AUTH_MODE", "token")
            patch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def own_network() -> Iterator[None]:
    """This thread, and what it starts, are in a network namespace of their own, in which there is only `lo`."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(_CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            if libc.setns(before, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(before)


def processes_of(node: subprocess.Popen[bytes]) -> dict[int, str]:
    """What runs on a node: pid, as this process sees it, and command line."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with suppress(OSError):
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(path.name))
    found = [node.pid]
    for pid in found:
        found += parents.get(pid, [])
    commands = {}
    for pid in found[1:]:
        with suppress(OSError):
            commands[pid] = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return commands


def _end(node: subprocess.Popen[bytes]) -> None:
    """The first process of the namespace ends with the one that made it, and all others with that."""
    node.kill()
    node.wait()
