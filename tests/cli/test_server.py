"""The command app, up to where it becomes the server; what that does stands in tests/ui/test_server.py."""

import socket
import sys

import pytest

from curation.cli import server


@pytest.fixture
def executed(monkeypatch):
    """What would be executed in the place of the command."""
    found = []
    monkeypatch.setattr(server.os, "execv", lambda path, arguments: found.append(arguments))
    return found


def test_the_app_says_that_its_port_is_taken(headtail, executed):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        port = one.getsockname()[1]
        line = f"port {port}: taken, perhaps by an app that runs already; choose another with --port N"
        assert headtail("app", "--port", port) == (2, "", f"headtail: {line}\n")
    assert executed == []


def test_a_port_that_was_used_just_now_can_be_had(headtail, executed):
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", 0))
        one.listen()
        port = one.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), one.accept()[0] as ended:
            ended.close()  # it is the server's side that waits then
    assert headtail("app", "--port", port, "--no-browser") == (0, "", "")
    assert executed == [[sys.executable, "-m", "curation.ui.server", str(port)]]


def test_a_port_that_the_system_keeps_is_told_too(headtail, executed, monkeypatch):
    def bind(self, address):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(server.socket, "socket", type("Refused", (socket.socket,), {"bind": bind}))
    assert headtail("app", "--port", 80) == (
        2,
        "",
        "headtail: port 80: Permission denied; choose another with --port N\n",
    )
    assert executed == []
