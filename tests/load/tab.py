"""A tab on the app, without a browser: Streamlit's own protocol over its websocket, and what would be drawn."""

import asyncio
import json
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

SECONDS = 60.0
"""How long a rerun may take before it counts as lost."""

CACHED_RUNS = 2
"""For how many reruns the frontend of Streamlit keeps a message that it may be referred to."""

EARLY = ForwardMsg.FINISHED_EARLY_FOR_RERUN
FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Broken(Exception):
    """The app did not do what was asked: an error on the page, a run that did not finish."""


@dataclass(frozen=True)
class Drawn:
    """An element of the page. run: the script run that sent it last; fragment: the part of the page that it is in"""

    run: int
    fragment: str
    kind: str
    element: Any


class Tab:
    """A session of the app.

    query: what its address bar says; pages: by their names in it; received: all bytes that came, if they are kept
    """

    def __init__(self, socket: ClientConnection, *, keep: bool = False) -> None:
        self._socket, self._runs = socket, 0
        self._cached: dict[str, tuple[int, ForwardMsg]] = {}
        self._drawn: dict[tuple[int, ...], Drawn] = {}
        self.pages: dict[str, str] = {}
        self._page, self.query, self.session = "", "", ""
        self._widgets: dict[str, WidgetState] = {}
        self.received: bytearray | None = bytearray() if keep else None

    async def go(self, page: str = "", query: str = "") -> float:
        """Open a page by its name in the address, "" for the first one; returns the seconds it took."""
        asked = BackMsg()
        self._page, self.query = self.pages.get(page, ""), query
        asked.rerun_script.page_name = "" if self._page else page
        self._widgets = {}
        return await self._run(asked)

    async def set(self, state: WidgetState, fragment: str = "") -> float:
        """Use a widget; returns the seconds until the page has followed. A trigger is forgotten then."""
        asked = BackMsg()
        trigger = "trigger" in str(state.WhichOneof("value"))
        shown = {getattr(one.element, "id", "") for one in self._drawn.values()}
        self._widgets = {name: one for name, one in self._widgets.items() if name in shown} | {state.id: state}
        asked.rerun_script.widget_states.widgets.extend(self._widgets.values())
        asked.rerun_script.fragment_id = fragment
        taken = await self._run(asked)
        if trigger:
            del self._widgets[state.id]
        return taken

    async def _run(self, asked: BackMsg) -> float:
        rerun = asked.rerun_script
        rerun.page_script_hash, rerun.query_string = self._page, self.query
        rerun.cached_message_hashes.extend(self._cached)
        rerun.context_info.timezone, rerun.context_info.locale = "UTC", "en-GB"
        started = time.perf_counter()
        await self._socket.send(asked.SerializeToString())
        async with asyncio.timeout(SECONDS):
            while (status := self._take(await self._next())) in (None, EARLY):
                pass
        taken = time.perf_counter() - started
        if status not in FINISHED:
            raise Broken(f"the script ended with {ForwardMsg.ScriptFinishedStatus.Name(status)}")
        self._forget(rerun.fragment_id if status == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY else None)
        if exceptions := [one.message or one.type for one in self.all("exception")]:
            raise Broken("; ".join(exceptions))
        return taken

    async def _next(self) -> ForwardMsg:
        data = await self._socket.recv()
        assert isinstance(data, bytes)
        if self.received is not None:
            self.received += data
        message = ForwardMsg.FromString(data)
        if message.WhichOneof("type") == "ref_hash":
            whole = ForwardMsg()
            whole.CopyFrom(self._cached[message.ref_hash][1])
            whole.metadata.CopyFrom(message.metadata)
            self._cached[message.ref_hash] = self._runs, whole
            return whole
        if message.metadata.cacheable:
            self._cached[message.hash] = self._runs, message
        return message

    def _take(self, message: ForwardMsg) -> int | None:
        """Draw what a message says; returns how the script ended, if it did."""
        match message.WhichOneof("type"):
            case "new_session":
                self._runs += 1
                self._page = message.new_session.page_script_hash
                self.session = message.new_session.initialize.session_id
            case "navigation":
                self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
                self._page = message.navigation.page_script_hash
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
            case "page_not_found":
                raise Broken("no such page")
            case "delta" if message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                kind = str(element.WhichOneof("type"))
                path = tuple(message.metadata.delta_path)
                self._drawn[path] = Drawn(self._runs, message.delta.fragment_id, kind, getattr(element, kind))
            case "script_finished":
                return message.script_finished
        return None

    def _forget(self, fragment: str | None) -> None:
        """What the run that finished did not draw again is gone: of the page, or of the part that ran."""
        self._drawn = {
            path: one
            for path, one in self._drawn.items()
            if one.run == self._runs or (fragment is not None and one.fragment != fragment)
        }
        self._cached = {name: one for name, one in self._cached.items() if one[0] >= self._runs - CACHED_RUNS}

    def all(self, kind: str) -> list[Any]:
        """The elements of a kind, from above to below."""
        return [one.element for _, one in sorted(self._drawn.items()) if one.kind == kind]

    def texts(self) -> Iterator[str]:
        """The texts and captions of the page."""
        yield from (one.body for kind in ("markdown", "text") for one in self.all(kind))

    def widget(self, kind: str, **is_: Any) -> Any:
        """The one widget of a kind with such attributes, as label="t, exactly"."""
        found = [one for one in self.all(kind) if all(getattr(one, name) == value for name, value in is_.items())]
        if len(found) != 1:
            raise Broken(f"{len(found)} of {kind} {is_} on the page, {dict(Counter(self._kinds()))}; {[*self.texts()]}")
        return found[0]

    def _kinds(self) -> Iterator[str]:
        return (one.kind for one in self._drawn.values())

    def component(self, key: str) -> Any:
        """The component of our own with a key."""
        found = [one for one in self.all("bidi_component") if one.id.endswith(f"-{key}")]
        if len(found) != 1:
            raise Broken(f"{len(found)} components {key} on the page; {[*self.texts()]}")
        return found[0]

    def data(self, key: str) -> Any:
        """What a component of our own is given."""
        component = self.component(key)
        return json.loads(component.mixed.json if component.WhichOneof("data") == "mixed" else component.json)

    async def tell(self, key: str, event: str, value: Any) -> float:
        """Something happens in a component of our own, as it does to setTriggerValue; the seconds as `set`."""
        name = f"$$STREAMLIT_INTERNAL_KEY_{self.component(key).id}__events"
        happened = json.dumps([{"event": event, "value": value}])
        return await self.set(WidgetState(id=name, json_trigger_value=happened))

    async def write(self, label: str, text: str) -> float:
        """Write into a text input."""
        found = self.widget("text_input", label=label)
        return await self.set(WidgetState(id=found.id, string_value=text), self._fragment_of(found))

    async def press(self, key: str) -> float:
        """Press the button with a key."""
        found = [one for one in self.all("button") if one.id.endswith(f"-{key}")]
        if len(found) != 1:
            raise Broken(f"{len(found)} buttons {key} on the page; {[*self.texts()]}")
        return await self.set(WidgetState(id=found[0].id, trigger_value=True), self._fragment_of(found[0]))

    def _fragment_of(self, element: Any) -> str:
        return next(one.fragment for one in self._drawn.values() if one.element is element)

    async def upload_urls(self, name: str) -> FileURLs:
        """Where a file of a name can be sent to, as the widgets of Streamlit ask for it."""
        asked = BackMsg()
        asked.file_urls_request.request_id = str(uuid.uuid4())
        asked.file_urls_request.file_names.append(name)
        asked.file_urls_request.session_id = self.session
        await self._socket.send(asked.SerializeToString())
        async with asyncio.timeout(SECONDS):
            while (message := await self._next()).WhichOneof("type") != "file_urls_response":
                self._take(message)
        return message.file_urls_response.file_urls[0]


def chosen_file(widget: str, urls: FileURLs, name: str, size: int) -> WidgetState:
    """What a file uploader with an id says once a file has been sent."""
    state = WidgetState(id=widget)
    state.file_uploader_state_value.uploaded_file_info.add(file_id=urls.file_id, name=name, size=size, file_urls=urls)
    return state


@asynccontextmanager
async def a_tab(address: str, cookie: str, *, keep: bool = False) -> AsyncIterator[Tab]:
    """A session that begins, without a page yet, and that leaves. address: http://127.0.0.1:PORT"""
    stream = address.replace("http", "ws") + "/_stcore/stream"
    async with connect(
        stream, origin=address, additional_headers={"Cookie": cookie}, subprotocols=["streamlit"], max_size=None,
        proxy=None, open_timeout=SECONDS, close_timeout=1.0,
    ) as socket:  # fmt: skip
        yield Tab(socket, keep=keep)
