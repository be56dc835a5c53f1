import threading
from http.server import BaseHTTPRequestHandler, HTTPServer


def test_the_browser_is_opened_once_the_server_answers(headtail, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as nobody:
        silent = f"http://127.0.0.1:{nobody.server_port}"
    assert headtail("open-when-ready", silent, "--seconds", 0)[0] == 0
    assert opened == []
    with HTTPServer(("127.0.0.1", 0), Healthy) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert headtail("open-when-ready", url)[0] == 0
        thread.join()
    assert opened == [url]


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass
