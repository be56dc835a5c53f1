import hmac
from itertools import product

import pytest
from starlette.responses import PlainTextResponse

import asynchronous
from curation.ui.gate import Gate

TOKEN, PORT = "t0ken-_", 8501
OURS = f"127.0.0.1:{PORT}"
COOKIE = ("cookie", f"headtail-{PORT}={TOKEN}")
ROUTES = ["/", "/samples", "/thumb/00", "/_stcore/health", "/_stcore/metrics", "/static/js/index.js"]
HANDSHAKES = ["/_stcore/stream", "/", "/other", "/_stcore/stream?token=" + TOKEN, "/_stcore/stream?token="]


class App:
    """What stands behind the gate: it says yes, and remembers what it was asked."""

    def __init__(self):
        self.scopes = []

    async def __call__(self, scope, receive, send):
        self.scopes.append(scope)
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept", "headers": []})
        elif scope["path"] == "/broken":
            raise ZeroDivisionError
        elif scope["type"] == "http":
            await PlainTextResponse("let in")(scope, receive, send)


class Answer:
    def __init__(self, sent, app):
        first = sent[0] if sent else {}
        self.status = first.get("status") or {"websocket.accept": 101, "websocket.close": 403}.get(first.get("type"))
        self.headers = {name.decode(): value.decode() for name, value in first.get("headers", [])}
        self.text = b"".join(part.get("body", b"") for part in sent).decode()
        self.let_in = bool(app.scopes)
        self.seen = {k.decode(): v.decode() for k, v in app.scopes[0]["headers"]} if app.scopes else {}


def ask(address="/", *headers, method="GET", host=OURS, kind="http", port=PORT):
    """What the gate answers, for these headers beside that of the host (None: without one)."""
    path, _, query = address.partition("?")
    app, sent = App(), []
    lines = [*([] if host is None else [("host", host)]), *headers]
    scope = {
        "type": kind, "path": path, "query_string": query.encode(), "method": method,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in lines],
    }  # fmt: skip

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    try:
        asynchronous.run(Gate(app, token=TOKEN, port=port)(scope, receive, send))
    except ZeroDivisionError:
        app.failed = True
    return Answer(sent, app)


def origin(host=OURS):
    return ("origin", f"http://{host}")


@pytest.mark.parametrize("path", ROUTES)
def test_no_route_answers_without_the_token(path):
    answer = ask(path)
    assert (answer.status, answer.let_in) == (403, False)
    assert "<code>headtail app</code> printed" in answer.text


@pytest.mark.parametrize("path", HANDSHAKES)
def test_no_handshake_is_accepted_without_the_cookie(path):
    answer = ask(path, origin(), kind="websocket")
    assert (answer.status, answer.let_in) == (403, False)


@pytest.mark.parametrize("path", ROUTES)
def test_the_cookie_lets_in(path):
    assert ask(path, COOKIE).text == "let in"
    assert ask(path, COOKIE, origin(), kind="websocket").status == 101


def test_the_link_sets_a_cookie_and_leads_to_the_page_without_the_token():
    answer = ask(f"/samples?run=a%20b&token={TOKEN}&t=3&which=")
    assert answer.status == 303
    assert answer.headers["location"] == "/samples?run=a%20b&t=3&which="
    assert answer.headers["set-cookie"] == f"headtail-{PORT}={TOKEN}; HttpOnly; Path=/; SameSite=strict"
    assert answer.headers["cache-control"] == "no-store"
    assert not answer.let_in


def test_a_link_that_was_followed_on_another_site_leads_there_by_a_page():
    # a redirect would go without the cookie, which is for requests of our own pages
    answer = ask(f"/?token={TOKEN}&t=3", ("sec-fetch-site", "cross-site"))
    assert (answer.status, answer.headers["refresh"]) == (200, "0; url=/?t=3")
    assert answer.headers["set-cookie"].startswith(f"headtail-{PORT}={TOKEN};")
    assert TOKEN not in answer.text


def test_an_old_link_in_a_browser_that_is_in_leads_to_the_page():
    answer = ask("/?token=old", COOKIE)
    assert (answer.status, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("path", ["//evil.example", "///evil.example/x", "/\\evil.example", "/\t/evil.example", "//"])
def test_the_link_leads_nowhere_else(path):
    location = ask(f"{path}?token={TOKEN}").headers["location"]
    assert location.startswith("/") and location[1:2] not in ("/", "\\", "\t")


@pytest.mark.parametrize("token", ["", "t0ken", TOKEN + "x", TOKEN.upper(), "\xe9", "%00", "%ff%fe", " " + TOKEN])
def test_a_wrong_token_opens_nothing(token):
    assert ask(f"/?token={token}").status == 403
    assert ask("/", ("cookie", f"headtail-{PORT}={token}x")).status == 403


def test_the_cookie_is_found_among_others_and_beside_false_ones():
    line = f"_streamlit_xsrf=2|a=b; headtail-{PORT}=false; headtail-{PORT}={TOKEN}; headtail-1={TOKEN}"
    answer = ask("/", ("cookie", line))
    assert answer.text == "let in"


def test_the_app_does_not_see_the_token():
    other = "_streamlit_xsrf=2|a=b; headtail-1=x"
    assert ask("/", ("cookie", f"{COOKIE[1]}; {other}")).seen == {"host": OURS, "cookie": other}
    assert ask("/", COOKIE).seen == {"host": OURS}


ORIGINS = [None, "null", "http://evil.example", "http://127.0.0.1:9", f"http://{OURS}", f"http://localhost:{PORT}"]
HOSTS = [OURS, f"localhost:{PORT}", f"evil.example:{PORT}"]


SAME = [(f"http://{host}", host) for host in HOSTS[:2]]


def accepted(**how):
    """Of all origins and hosts, those that get in; with the cookie."""
    pairs = list(product(ORIGINS, HOSTS))
    assert len(pairs) == 18
    headers = {said: [] if said is None else [("origin", said)] for said in ORIGINS}
    return [(said, host) for said, host in pairs if ask("/_stcore/x", COOKIE, *headers[said], host=host, **how).let_in]


def test_a_websocket_is_accepted_from_the_pages_of_the_server_alone():
    assert accepted(kind="websocket") == SAME


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_could_change_something_comes_from_the_pages_of_the_server_alone(method):
    assert accepted(method=method) == SAME


def test_what_only_reads_need_not_say_where_it_comes_from():
    assert accepted(method="GET") == [*((None, host) for host in HOSTS[:2]), *SAME]


@pytest.mark.parametrize(
    "host",
    [
        None, "", "127.0.0.1", "localhost", "127.0.0.1:80", f"127.0.0.1:{PORT}0", f"0.0.0.0:{PORT}", f"[::1]:{PORT}",
        f"evil.example:{PORT}", f"127.0.0.1.evil.example:{PORT}", f"x@127.0.0.1:{PORT}", f"localhost.:{PORT}",
        f"127.0.0.1:{PORT}/", f" 127.0.0.1:{PORT}",
    ],
)  # fmt: skip
def test_another_host_is_refused_even_with_the_token(host):
    for address, headers in (("/", [COOKIE]), (f"/?token={TOKEN}", [])):
        answer = ask(address, *headers, host=host)
        assert (answer.status, answer.let_in) == (403, False)
        assert f"http://127.0.0.1:{PORT}" in answer.text


def test_two_hosts_or_origins_are_refused():
    assert ask("/", COOKIE, ("host", OURS)).status == 403
    assert ask("/", COOKIE, origin(), origin()).status == 403


def test_at_the_port_of_http_the_host_stands_without_it():
    assert ask("/", ("cookie", f"headtail-80={TOKEN}"), host="127.0.0.1", port=80).let_in


@pytest.mark.parametrize(
    "answer",
    [
        ask("/", COOKIE), ask("/"), ask(f"/?token={TOKEN}"), ask("/", host="evil.example"), ask("/broken", COOKIE),
        ask("/", COOKIE, origin("evil.example")),
    ],
    ids=["let in", "no token", "link", "host", "broken", "origin"],
)  # fmt: skip
def test_every_response_says_what_a_browser_may_do_with_it(answer):
    policy = dict(one.split(" ", 1) for one in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["script-src"] == "'self' blob: 'wasm-unsafe-eval'"
    assert policy["img-src"] == "'self' data: blob:"
    assert policy["connect-src"] == f"'self' ws://127.0.0.1:{PORT} ws://localhost:{PORT}"
    nothing = ("frame-src", "object-src", "base-uri", "form-action", "frame-ancestors")
    assert [policy[name] for name in nothing] == ["'none'"] * 5
    wanted = {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    assert wanted.items() <= answer.headers.items()


def test_an_error_of_the_app_is_an_answer_without_a_traceback():
    answer = ask("/broken", COOKIE)
    assert (answer.status, answer.text) == (500, "Internal Server Error")


def test_the_token_is_compared_in_constant_time(monkeypatch):
    compared = []

    def compare(a, b):
        compared.append((a, b))
        return a == b

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert ask("/?token=no", ("cookie", f"headtail-{PORT}=neither")).status == 403
    assert compared == [(b"no", TOKEN.encode()), (b"neither", TOKEN.encode())]


def test_the_start_of_the_server_passes():
    assert ask(kind="lifespan").let_in
