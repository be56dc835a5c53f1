"""One who looks around in the app: t, pages of samples, captions, entries, with time to think in between."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from time import perf_counter

from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import WebSocketException

from load.answers import Asked, Truth
from load.app import App
from load.tab import Broken, Tab, a_tab

THINK_S = 3.0
"""Mean of the time between an answer and the next question, which is exponential."""

TURNS_A_VISIT = 15
"""After so many the tab is loaded anew, as in a browser: another session of the app begins."""


@dataclass
class Seen:
    """What all visitors saw. seconds: by what was done; errors, mixed: a line each"""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)


class Visitor:
    """number: which one of all; it asks for what is its own only, by a chance of its own."""

    def __init__(self, app: App, truth: Truth, number: int, seen: Seen) -> None:
        self._app, self._truth, self._own, self._seen = app, truth, truth.own[number], seen
        self._random, self._words_of_chart = Random(number), 0
        self._asked = Asked(truth.first_t)

    async def stay(self, seconds: float, *, think_s: float = THINK_S) -> None:
        """Come at some moment, and look around until the time is up."""
        until = perf_counter() + seconds
        await asyncio.sleep(min(self._random.uniform(0, 4 * think_s), seconds / 4))
        while perf_counter() < until:
            try:
                await self._visit(until, think_s)
            except (Broken, OSError, TimeoutError, WebSocketException) as error:
                self._seen.errors.append(f"{type(error).__name__}: {error}")
                await asyncio.sleep(1.0)

    async def look_at_everything(self) -> None:
        """Do each thing once, without a break."""
        async with a_tab(self._app.address, self._app.cookie) as tab:
            self._note("first page", await tab.go(), tab)
            for act in (self._move_t, self._page, self._move_t, self._captions, self._entries, self._move_t):
                await act(tab)

    async def _visit(self, until: float, think_s: float) -> None:
        started = perf_counter()
        async with a_tab(self._app.address, self._app.cookie) as tab:
            self._asked = Asked(self._truth.first_t)
            await tab.go()
            self._note("first page", perf_counter() - started, tab)
            for turn in range(TURNS_A_VISIT):
                await asyncio.sleep(self._random.expovariate(1 / think_s))
                if perf_counter() > until:
                    return
                # the first turn is t, on the page where everybody begins
                choices, weights = (self._move_t, self._page, self._captions, self._entries), (4, 3, 2, 2)
                act = self._random.choices(choices, weights)[0] if turn else self._move_t
                await act(tab)

    def _note(self, what: str, seconds: float, tab: Tab) -> None:
        self._seen.seconds[what].append(seconds)
        self._seen.mixed += self._truth.mixed(self._asked, tab)

    async def _move_t(self, tab: Tab) -> None:
        """Let go of the chart somewhere else."""
        self._asked = self._asked.but(t=self._random.choice(self._own.thresholds))
        self._words_of_chart += 1
        self._note("t", await tab.tell("live", "t", [self._asked.t, self._words_of_chart]), tab)

    async def _page(self, tab: Tab) -> None:
        await self._be_at("samples", tab)
        if self._asked.contains:
            await self._write("contains", "", tab, "captions, none")
        self._asked = self._asked.but(turn=self._random.choice(self._own.turns))
        state = WidgetState(id=tab.all("pagination")[0].id, int_value=self._asked.turn)
        self._note("samples", await tab.set(state), tab)

    async def _captions(self, tab: Tab) -> None:
        await self._be_at("samples", tab)
        await self._write("contains", self._random.choice(self._own.words), tab, "captions")

    async def _entries(self, tab: Tab) -> None:
        await self._be_at("entries", tab)
        await self._write("find", self._random.choice(self._own.words), tab, "entries")

    async def _write(self, what: str, text: str, tab: Tab, done: str) -> None:
        self._asked = self._asked.but(**{what: text})
        self._note(done, await tab.write({"contains": "In the caption", "find": "Find entries"}[what], text), tab)

    async def _be_at(self, page: str, tab: Tab) -> None:
        if self._asked.page != page:
            # what was written stays in its box: Streamlit keeps what is bound to the address
            self._asked = self._asked.but(page=page, turn=1)
            self._note(f"to {page}", await tab.go(page), tab)
