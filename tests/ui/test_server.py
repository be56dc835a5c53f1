"""`headtail app` as it runs, asked over its sockets."""

import http.client
import os
import re
import socket
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from streamlit import config
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from curation.ui.server import settings

ROOT = Path(__file__).parents[2]
ROUTES = ["/", "/samples", f"/thumb/{'0' * 64}", "/_stcore/health", "/_stcore/host-config", "/_stcore/metrics"]
TO_THE_WORLD = '[server]\naddress = "0.0.0.0"\nallowedHosts = []\n[browser]\ngatherUsageStats = true\n'


@dataclass(frozen=True)
class Server:
    port: int
    link: str
    process: "subprocess.Popen[bytes]"
    out: Path
    err: Path
    workspace: Path

    @property
    def token(self):
        return self.link.partition("token=")[2]

    @property
    def cookie(self):
        return {"Cookie": f"headtail-{self.port}={self.token}"}

    def ask(self, path, method="GET", **headers):
        """Status and headers of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders())

    def shake_hands(self, path="/_stcore/stream", *, host=None, origin=None, **headers):
        """The status of an answer to a websocket."""
        name = host or f"127.0.0.1:{self.port}"
        # the address decides about the connection, the header about what is asked
        with socket.create_connection(("127.0.0.1", self.port)) as sock:
            try:
                with connect(f"ws://{name}{path}", sock=sock, origin=origin, additional_headers=headers, proxy=None):
                    return 101
            except InvalidStatus as refused:
                return refused.response.status_code


@contextmanager
def started(folder, *options, **environment):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    # settings of another project, where the command is called
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "config.toml").write_text(TO_THE_WORLD)
    out, err, workspace = folder / "out", folder / "err", folder / "runs"
    command = [sys.executable, "-m", "curation", "app", "--port", str(port), *options]
    environment = {"PYTHONPATH": str(ROOT), "HEADTAIL_RUNS": str(workspace), **environment}
    with out.open("wb") as to_out, err.open("wb") as to_err:
        process = subprocess.Popen(command, cwd=folder, stdout=to_out, stderr=to_err, env={**os.environ, **environment})
    try:
        found = wait_for(lambda: re.search(r"http://\S+", out.read_text()) or process.poll())
        assert not isinstance(found, int), err.read_text()
        yield Server(port, found[0], process, out, err, workspace)
    finally:
        process.terminate()
        process.wait(30)


def wait_for(look):
    until = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    environment = {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0", "STREAMLIT_SERVER_ENABLE_AGENT_API": "true"}
    with started(tmp_path_factory.mktemp("app"), "--no-browser", **environment) as running:
        yield running


def test_it_listens_on_this_machine_only(server):
    listening = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            address, _, port = line.split()[1].rpartition(":")
            if int(port, 16) == server.port and line.split()[3] == "0A":
                listening.append(address)
    assert listening == ["0100007F"]


@pytest.mark.parametrize("path", ROUTES)
def test_no_route_answers_without_the_token(server, path):
    status, headers = server.ask(path)
    assert status == 403
    assert headers["content-security-policy"].startswith("default-src 'self'; ")
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", [*ROUTES, "/no/such"])
def test_every_answer_to_a_browser_that_is_in_has_the_headers(server, path):
    status, headers = server.ask(path, **server.cookie)
    assert status in (200, 404)
    assert headers["content-security-policy"].startswith("default-src 'self'; ")
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_no_handshake_is_accepted_without_the_cookie(server):
    ours, token = f"http://127.0.0.1:{server.port}", server.token
    false = {"Cookie": f"headtail-{server.port}={token[:-1]}"}
    assert server.shake_hands() == 403
    assert server.shake_hands(origin=ours) == 403
    assert server.shake_hands(f"/_stcore/stream?token={token}", origin=ours) == 403
    assert server.shake_hands(origin=ours, **false) == 403
    assert server.shake_hands(origin=ours, Cookie=f"token={token}", Authorization=f"token {token}") == 403


def test_handshakes_are_accepted_from_its_own_pages_alone(server):
    hosts = [f"{name}:{server.port}" for name in ("127.0.0.1", "localhost", "evil.example")]
    origins = [None, "null", "http://evil.example", "http://127.0.0.1:9", *(f"http://{host}" for host in hosts[:2])]
    accepted = [
        (origin, host)
        for origin, host in product(origins, hosts)
        if server.shake_hands(origin=origin, host=host, **server.cookie) == 101
    ]
    assert accepted == [(f"http://{host}", host) for host in hosts[:2]]


def test_an_upload_from_elsewhere_is_refused(server):
    for origin in ("http://evil.example", "null", f"http://localhost:{server.port}"):
        status, _ = server.ask("/_stcore/upload_file/a/b", "PUT", Origin=origin, **server.cookie)
        assert status == 403


def test_the_link_opens_the_pages_that_it_names(server):
    address = urlsplit(server.link)
    status, headers = server.ask(f"/samples?run=x&{address.query}")
    assert (status, headers["location"]) == (303, "/samples?run=x")
    assert headers["set-cookie"] == f"{server.cookie['Cookie']}; HttpOnly; Path=/; SameSite=strict"


def test_the_token_stands_in_the_link_and_nowhere_else(server):
    assert re.fullmatch(r"[\w-]{43}", server.token)
    assert server.out.read_text().count(server.token) == 1
    assert server.err.read_text() == ""
    process = Path("/proc") / str(server.process.pid)
    assert server.token.encode() not in (process / "cmdline").read_bytes() + (process / "environ").read_bytes()


def test_every_start_has_a_token_of_its_own_and_the_browser_is_opened_at_a_page_for_this_user(server, tmp_path):
    asked = tmp_path / "asked"
    (tmp_path / "browser").write_text(f'#!/bin/sh\necho "$1" > {asked}.part; mv {asked}.part {asked}\n')
    (tmp_path / "browser").chmod(0o755)
    with started(tmp_path, BROWSER=str(tmp_path / "browser")) as other:
        wait_for(asked.exists)
        page = Path(unquote(urlsplit(asked.read_text().strip()).path))
        assert page.parent == other.workspace
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
        assert f'url={other.link}"' in page.read_text()
        assert other.token not in asked.read_text()
        assert other.token != server.token
    assert not page.exists()


def test_the_settings_of_the_app_count_whatever_else_is_set():
    ours = settings()
    assert ours["server.address"] == "127.0.0.1"
    assert ours["server.allowedHosts"] == ["localhost", "127.0.0.1"]
    assert ours["server.maxUploadSize"] == 20
    assert (ours["client.showErrorDetails"], ours["client.toolbarMode"]) == ("none", "viewer")
    on = ("client.disableDataExport",)
    off = (
        "browser.gatherUsageStats", "server.enableStaticServing", "server.enableAgentApi", "client.showErrorLinks",
    )  # fmt: skip
    assert [ours[name] for name in (*on, *off)] == [True, False, False, False, False]
    assert ours["server.fileWatcherType"] == "none"
    assert set(ours) <= set(config._config_options_template)
