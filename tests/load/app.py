"""The real app in a process of its own, over one run, and how much memory it has."""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ("curation", "app", "--no-browser", "--port")


@dataclass(frozen=True)
class App:
    """address: without the token; cookie: what lets a browser in; pid: of the server; log: what it said"""

    address: str
    cookie: str
    pid: int
    log: Path

    def memory_mb(self) -> float:
        """What the server has resident of its own: files that it maps are the system's, which takes them back."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return sum(int(kb) for kb in re.findall(r"Rss(?:Anon|Shmem):\s+(\d+) kB", status)) / 1000

    def upload(self, address: str, name: str, data: bytes) -> int:
        """Send a file to where `Tab.upload_address` says, as a page does; returns the status of the answer."""
        connection = http.client.HTTPConnection(self.address.removeprefix("http://"), timeout=60)
        with closing(connection):
            connection.request("GET", "/_stcore/health", headers={"Cookie": self.cookie})
            answer = connection.getresponse()
            answer.read()
            token = re.findall(r"_streamlit_xsrf=([^;]+)", answer.getheader("Set-Cookie", ""))[0]
            head = f'--file\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
            connection.request(
                "PUT", address, head.encode() + data + b"\r\n--file--\r\n",
                {
                    "Cookie": f"{self.cookie}; _streamlit_xsrf={token}", "X-Xsrftoken": token, "Origin": self.address,
                    "Content-Type": "multipart/form-data; boundary=file",
                },
            )  # fmt: skip
            return connection.getresponse().status

    def complaints(self) -> list[str]:
        """Lines of the log that tell of an error."""
        return [line for line in self.log.read_text(errors="replace").splitlines() if COMPLAINT.search(line)]


COMPLAINT = re.compile(r"Traceback|Error|Exception|WARNING|warning:")


@contextmanager
def the_app(run: Path, folder: Path, module: Sequence[str] = COMMAND) -> Iterator[App]:
    """Serve a run, with workspace and log in a folder. module: of Python, with its arguments but for the port"""
    log, port = folder / "app.log", _free_port()
    paths = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
    environment = {**os.environ, "PYTHONPATH": paths, "HEADTAIL_RUNS": str(folder / "runs"), "HEADTAIL_RUN": str(run)}
    command = [sys.executable, "-m", *module, str(port)]
    with log.open("wb") as out, subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out) as server:
        try:
            address, token = _link(server, log)
            yield App(address, f"headtail-{port}={token}", server.pid, log)
        finally:
            server.terminate()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _link(server: "subprocess.Popen[bytes]", log: Path) -> tuple[str, str]:
    until = time.monotonic() + 60
    while not (found := re.search(r"(http://[\d.:]+)/\?token=(\S+)", log.read_text(errors="replace"))):
        if server.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"the app did not start: {log.read_text(errors='replace')}")
        time.sleep(0.05)
    return found[1], found[2]
