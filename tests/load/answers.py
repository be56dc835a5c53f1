"""What a session asked, what the library answers to it, and whether the page shows that or what another asked."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import queries
from curation.runs.folder import Run
from curation.ui.text import number
from load.tab import Tab

PAGE, MOST_ROWS, MOST_CARDS = 24, 200, 96
THRESHOLDS, PAGES, WORDS = 6, 3, 4
"""How many of each a session has for itself. No two sessions ever ask the same, so an answer tells whose it is."""


@dataclass(frozen=True)
class Asked:
    """What the page of a session has to show. page: of the app; turn: of the samples; contains, find: texts, or none"""

    t: float
    page: str = ""
    turn: int = 1
    contains: str = ""
    find: str = ""

    def but(self, **other: Any) -> "Asked":
        """The same, with something else."""
        return replace(self, **other)


@dataclass(frozen=True)
class Own:
    """What one session asks for, and no other one."""

    thresholds: list[float]
    turns: list[int]
    words: list[str]


class Truth:
    """What the library answers about a run, for so many sessions, worked out before any of them begins."""

    def __init__(self, run: Run, sessions: int) -> None:
        self.first_t = run.t
        thresholds = [float(t) for t in run.curves.grid if t != run.t]
        pages = range(2, run.info["totals"]["pairs"] // PAGE)
        words = list(islice(_words(run), WORDS * sessions))
        self.own = [
            Own(thresholds[one::sessions][-THRESHOLDS:], [*pages[one::sessions][:PAGES]], words[one::sessions])
            for one in range(sessions)
        ]
        assert all(one.thresholds and one.turns and one.words for one in self.own), "the run is too small for so many"
        self._kept = {t: queries.size(run, t).kept for one in self.own for t in (*one.thresholds, run.t)}
        last = max(turn for one in self.own for turn in one.turns)
        parts = range(0, PAGE * last, MOST_ROWS)
        uids = [
            uid for at in parts for uid in queries.samples(run, run.t, limit=MOST_ROWS, offset=at)["uid"].to_pylist()
        ]
        self._uids = {turn: uids[PAGE * (turn - 1) : PAGE * turn] for turn in range(1, last + 1)}
        self._holding = {word: queries.search_entries(run, word, limit=1).total for word in words}

    def mixed(self, asked: Asked, tab: Tab) -> list[str]:
        """What the page shows that is no answer to what its session asked, a line each."""
        return [
            f"{what}: {found!r}, not {right!r}, of {asked}"
            for what, right, found in self._pairs(asked, tab)
            if right != found
        ]

    def _pairs(self, asked: Asked, tab: Tab) -> Iterator[tuple[str, Any, Any]]:
        """Of each thing that is looked at: its name, what is right, what the page shows."""
        at = tab.data("live")["at"]
        yield "t on the chart", (asked.t, self._kept[asked.t]), (at["t"], at["kept"])
        box = tab.widget("number_input", label="t, exactly")
        yield "t in its box", asked.t, box.value if box.set_value else box.default
        yield "t in the address", f"{asked.t:.15g}", dict(re.findall(r"(\w+)=([^&]*)", tab.query)).get("t")
        if asked.page == "":
            kept = f"the {number(self._kept[asked.t])} kept at t = {number(asked.t)}."
            yield "the sentence", kept, next((found[0] for text in tab.texts() if (found := KEPT.search(text))), None)
        elif asked.page == "samples":
            yield from self._samples(asked, tab)
        else:
            yield from self._entries(asked, tab)

    def _samples(self, asked: Asked, tab: Tab) -> Iterator[tuple[str, Any, Any]]:
        if asked.contains and not tab.all("bidi_component")[2:]:  # the chart has two
            yield "how many there are", ["0"], [text.split()[0] for text in tab.texts() if "with this text" in text]
            return
        gallery = tab.data("gallery")
        question = ast.literal_eval(gallery["question"].partition("), ")[2][:-1] or "()")
        yield "the question", (asked.contains, None if asked.contains else asked.turn), question[1:]
        cards = gallery["cards"]
        yield "who is kept", [_is_kept(card, asked.t) for card in cards], [card["kept"] for card in cards]
        if asked.contains:
            captions = ["".join(part[0] for part in card["parts"]) for card in cards]
            yield "captions without the text", [], [one for one in captions if asked.contains not in one.lower()]
        else:
            yield "the pairs", self._uids[asked.turn], [card["key"] for card in cards]
            told = next((text for text in tab.texts() if "pairs of the pool" in text), "")
            yield "t above the pairs", f"at t = {number(asked.t)}", (re.findall(r"at t = [\d.,]*\d", told) or [""])[0]

    def _entries(self, asked: Asked, tab: Tab) -> Iterator[tuple[str, Any, Any]]:
        right = number(self._holding[asked.find]) if asked.find else None
        told = next((text for text in tab.texts() if " entries; texts of all" in text), "")
        yield "how many entries", right, told.split()[0] if asked.find else None
        yield "t above the entries", f"at t = {number(asked.t)}:", (re.findall(r"at t = [\d.,]*\d:", told) or [""])[0]
        if asked.find:
            table = pa.ipc.open_stream(tab.all("dataframe")[0].arrow_data.data).read_all()
            found = table["entry"].to_pylist()
            yield "rows", min(self._holding[asked.find], MOST_ROWS), len(found)
            yield "entries without the text", [], [one for one in found if asked.find not in one.lower()]


KEPT = re.compile(r"the [\d,]+ kept at t = [\d.,]*\d\.")


def _is_kept(card: dict[str, Any], t: float) -> bool:
    t_min = dict(card["facts"])["t_min"]
    if t_min[0].isdigit() and abs(float(t_min) / t - 1) < 1e-3:
        return bool(card["kept"])  # it is rounded: who can say
    return t_min[0].isdigit() and float(t_min) < t


def _words(run: Run) -> Iterator[str]:
    """Entries of a word each that stand in texts, from often to seldom, none of which holds another one."""
    counts, taken = run.entry_count, list[str]()
    by_count = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    # evenly on the logarithm of the rank, as far as there are so many; the first ones stand in every text
    order = np.unique(np.geomspace(5, by_count.size, 4000).astype(int) - 1)
    names = run.entries["entry"].take(pa.array(by_count[order]))
    names = pc.filter(names, pc.match_substring_regex(names, "^[a-z][a-z0-9]{2,}$|^w[0-9]+$"))
    for name in names.to_pylist():
        if not any(name in other or other in name for other in taken):
            taken.append(name)
            yield name
