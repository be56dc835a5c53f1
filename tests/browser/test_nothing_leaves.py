"""Every system call that could reach another machine, from the start of the server to the end of a tour."""

import http.client
import re
import shutil
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from browser.conftest import a_free_port, served, settle, tabs

PAGES = ("", "samples", "entries", "compare", "labels", "curate", "train", "classify")

CALL = re.compile(r"(connect|sendto|sendmsg|sendmmsg)\(")
INTERNET = re.compile(r"sa_family=AF_INET6?, .*?(?:inet_addr\(\"|inet_pton\(AF_INET6, \")([^\"]+)")
PORT = re.compile(r"sin6?_port=htons\((\d+)\)")
LOOPBACK = re.compile(r"127\.|::1$|::ffff:127\.")


def reached(trace):
    """The addresses and ports that a trace connects to or sends to, but for this machine's own."""
    found = []
    for line in trace.splitlines():
        address = INTERNET.search(line) if CALL.search(line) else None
        if address is not None and (not LOOPBACK.match(address[1]) or PORT.search(line)[1] == "53"):
            found.append(line)
    return found


@pytest.fixture
def traced(tmp_path):
    if shutil.which("strace") is None:
        pytest.skip("no strace (Debian: apt-get install strace)")
    calls = "trace=bind,connect,sendto,sendmsg,sendmmsg"
    # -D: what is traced stays our own child
    options = ["-D", "-f", "--seccomp-bpf", "-qq", "-e", "signal=none", "-e", calls, "-s", "0"]
    return ["strace", *options, "-o", str(tmp_path / "trace")]


def test_the_trace_would_show_it(traced, tmp_path):
    # 192.0.2.1 is nobody's (RFC 5737); what goes to a name server is found by its port
    says = """
import socket
for to in (("192.0.2.1", 80), ("127.0.0.53", 53), ("127.0.0.1", 1)):
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        try:
            one.sendto(b"x", to)
        except OSError:
            pass
"""
    subprocess.run([*traced, sys.executable, "-c", says], check=True)
    found = reached((tmp_path / "trace").read_text())
    assert ["192.0.2.1" in line or "127.0.0.53" in line for line in found] == [True, True]


def test_the_server_reaches_no_other_machine(traced, chromium, runs, tmp_path):
    port = a_free_port()
    command = ["curation", "app", "--no-browser", "--port", str(port)]
    folder = str(runs["photos"].path.parent)
    with served(port, command, tmp_path / "log", before=traced, HEADTAIL_RUNS=folder) as link:
        with tabs(chromium, link) as open_page:
            for name in PAGES:
                page = open_page(f"/{name}?run=photos")
            expect(page.locator("article.card").nth(15)).to_be_visible(timeout=60_000)  # a model looked at pictures
            settle(page)
        # each refused origin makes Streamlit ask for the address of this machine outside, if it gets to see it
        for origin in ("http://evil.example", "null", "http://127.0.0.1:9", "https://data.streamlit.io", "x"):
            assert shake_hands(port, link.partition("token=")[2], origin) == 403
        assert shake_hands(port, link.partition("token=")[2], f"http://127.0.0.1:{port}") == 101
    trace = (tmp_path / "trace").read_text()
    assert re.search(rf"bind\(.*htons\({port}\), sin_addr=inet_addr\(\"127.0.0.1\"\)", trace)
    assert reached(trace) == []


def shake_hands(port, token, origin):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Origin": origin,
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Cookie": f"headtail-{port}={token}",
    }  # fmt: skip
    connection.request("GET", "/_stcore/stream", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status
