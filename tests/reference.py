"""Algorithm 1 of arXiv:2309.16671 as it is printed: slow, obvious, and the oracle of every faster answer."""

import random
from collections.abc import Sequence


def spacing(text: str) -> str:
    text = f" {text} "
    for mark in ",.;:?!`":
        text = text.replace(mark, f" {mark} ")
    for space in "\t\n\r":
        text = text.replace(space, " ")
    return text


def matched_entry_ids(text: str, entries: Sequence[str]) -> list[int]:
    """Part 1: the ids of all entries that stand in the text, ascending."""
    spaced = spacing(text)
    return [entry_id for entry_id, entry in enumerate(entries) if f" {entry} " in spaced]


def entry_counts(matched: Sequence[Sequence[int]], n_entries: int) -> list[int]:
    counts = [0] * n_entries
    for entry_ids in matched:
        for entry_id in entry_ids:
            counts[entry_id] += 1
    return counts


def balance(matched: Sequence[Sequence[int]], entry_count: Sequence[int], t: float, rng: random.Random) -> list[int]:
    """Part 2: the positions of the pairs that are kept, with a fresh draw for every (pair, entry)."""
    entry_prob = [t / max(count, t) for count in entry_count]
    kept = []
    for position, entry_ids in enumerate(matched):
        for entry_id in entry_ids:
            if rng.random() < entry_prob[entry_id]:
                kept.append(position)
                break
    return kept
