"""Who gets in: a browser that came by the link with the token, to this server under its own name, from its own pages.

On 127.0.0.1 there are other users of the machine, and every web page that a browser of this machine has open. So each
request, of HTTP as of websockets, must name this server and its port as its host, come from a page of the server itself
(if a browser says from where), and carry the cookie that the link sets; all else is answered 403. The checks stand
before Streamlit, which asks servers outside about a connection that it refuses. As a second wall, each response tells
the browser to load nothing from elsewhere and to let no other page show it.
"""

import hmac
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PARAMETER = "token"
"""What the token is called in the link."""

NAMES = ("127.0.0.1", "localhost")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

# blob: for the scripts of our components, which Streamlit imports from memory; styles are made by its frontend
POLICY = (
    "default-src 'self'; script-src 'self' blob: 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' {sockets}; frame-src 'none'; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Headtail</title>
<style>body { font: 16px/1.5 sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }</style>
"""
WRONG_HOST = """<p>This app is to be found at <code>http://127.0.0.1:{port}</code> and nowhere else.
From another machine, forward the same port: <code>ssh -L {port}:127.0.0.1:{port} HOST</code></p>"""
WRONG_ORIGIN = "<p>A page from elsewhere asked for this; only the pages of the app itself may.</p>"
NO_TOKEN = """<p>Open the link that <code>headtail app</code> printed in its terminal; it ends in a token, which is a
new one at every start.</p>
<p>Was it opened in this browser before, and did you come here from another site? Then <a href="">go on</a>.</p>
"""


class Gate:
    """ASGI middleware around the whole server; token: what the link carries, port: where the server listens."""

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        self._app, self._token, self._port = app, token.encode(), port
        self._cookie = f"headtail-{port}"  # cookies are shared by all ports of a host
        hosts = [f"{name}:{port}" for name in NAMES]
        # a browser leaves the port out where it is that of HTTP
        self._hosts = frozenset([*hosts, *NAMES] if port == 80 else hosts)
        self._headers = {
            "Content-Security-Policy": POLICY.format(sockets=" ".join(f"ws://{host}" for host in hosts)),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            # pages of other servers on this host are of the same site: SameSite does not keep them out
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            started = True
            await send(message)

        response = self._answer(scope)
        if response is not None:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close"})  # before it is accepted: 403, which no browser shows
            else:
                await response(scope, receive, guarded)
            return
        try:
            await self._app({**scope, "headers": list(self._without_cookie(scope))}, receive, guarded)
        except Exception:
            if not started and scope["type"] == "http":  # else the server answers, without our headers
                await PlainTextResponse("Internal Server Error", 500)(scope, receive, guarded)
            raise

    def _answer(self, scope: Scope) -> Response | None:
        """What is answered before the app is asked; None: let it through."""
        headers = Headers(scope=scope)
        host, origin = headers.getlist("host"), headers.getlist("origin")
        if len(host) != 1 or host[0] not in self._hosts:
            return _refused(WRONG_HOST.format(port=self._port))
        # a browser names the origin of every websocket and of every request that could change something
        reads = scope["type"] == "http" and scope["method"] in SAFE_METHODS
        if origin != [f"http://{host[0]}"] and (origin or not reads):
            return _refused(WRONG_ORIGIN)
        asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True) if reads else []
        tokens = [value for name, value in asked if name == PARAMETER]
        came_by_link = any(self._is_token(token) for token in tokens)
        if not came_by_link and not self._has_cookie(headers):
            return _refused(NO_TOKEN)
        if tokens:
            clean = [(name, value) for name, value in asked if name != PARAMETER]
            return self._redirect(scope["path"], clean, headers)
        return None

    def _redirect(self, path: str, parameters: list[tuple[str, str]], headers: Headers) -> Response:
        """To the address without the token, with the cookie."""
        # of two slashes a browser would take the second for the beginning of a host
        address = "/" + quote(path.lstrip("/")) + (f"?{urlencode(parameters, quote_via=quote)}" if parameters else "")
        response: Response
        if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            # a redirect would count as asked for by the site that was left, and go without the cookie
            response = HTMLResponse(PAGE, headers={"Refresh": f"0; url={address}"})
        else:
            response = RedirectResponse(address, 303)
        response.set_cookie(self._cookie, self._token.decode(), httponly=True, samesite="strict")
        response.headers["Cache-Control"] = "no-store"
        return response

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self._token)

    def _has_cookie(self, headers: Headers) -> bool:
        # other servers of the host can add cookies of the same name: one that is right is enough
        return any(
            self._is_token(value)
            for line in headers.getlist("cookie")
            for name, value in _cookies(line)
            if name == self._cookie
        )

    def _without_cookie(self, scope: Scope) -> Iterator[tuple[bytes, bytes]]:
        """The headers as the app gets to see them: no page can show the token."""
        for name, value in scope["headers"]:
            if name != b"cookie":
                yield name, value
                continue
            others = [f"{one}={what}" for one, what in _cookies(value.decode("latin-1")) if one != self._cookie]
            if others:
                yield name, "; ".join(others).encode("latin-1")


def _cookies(line: str) -> Iterator[tuple[str, str]]:
    for part in line.split(";"):
        name, _, value = part.partition("=")
        yield name.strip(), value.strip()


def _refused(message: str) -> Response:
    return HTMLResponse(f"{PAGE}<h1>Not let in</h1>\n{message}\n", 403, {"Cache-Control": "no-store"})
