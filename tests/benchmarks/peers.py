"""What we are measured against: the same answers the way others get them, each as it is best used from Python."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import ahocorasick
import ahocorasick_rs
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from reference import spacing

ALL_BITS = 2**64 - 1


class PyAhoCorasick:
    """pyahocorasick in the way of the paper's code: an automaton over " entry ", a set of ids for each text."""

    def __init__(self, entries: Iterable[str]) -> None:
        self.automaton = ahocorasick.Automaton()
        for entry_id, entry in enumerate(entries):
            self.automaton.add_word(f" {entry} ", entry_id)
        self.automaton.make_automaton()

    def match(self, texts: Iterable[str]) -> list[set[int]]:
        find = self.automaton.iter
        return [{entry_id for _, entry_id in find(spacing(text))} for text in texts]


class AhoCorasickRs:
    """ahocorasick_rs, a Rust automaton, over the same patterns and the same spacing."""

    def __init__(self, entries: Iterable[str]) -> None:
        self.automaton = ahocorasick_rs.AhoCorasick([f" {entry} " for entry in entries])

    def match(self, texts: Iterable[str]) -> list[set[int]]:
        find = self.automaton.find_matches_as_indexes
        return [{entry_id for entry_id, _, _ in find(spacing(text), overlapping=True)} for text in texts]


def entry_hashes(entries: Iterable[str], seed: int) -> list[int]:
    return [_mix(xxhash.xxh64_intdigest(entry.encode(), seed)) for entry in entries]


def t_min(uid: str, entry_ids: Iterable[int], entry_hash: Sequence[int], count: Sequence[int], seed: int) -> float:
    """As docs/balancing.md defines it, in plain Python."""
    of_uid = xxhash.xxh64_intdigest(uid.encode(), seed)
    return min(
        ((_mix(of_uid + entry_hash[entry_id] & ALL_BITS) >> 11) * 2.0**-53 * count[entry_id] for entry_id in entry_ids),
        default=float("inf"),
    )


def entry_kept_by_pyarrow(pair_files: Iterable[Path], t: float, n_entries: int) -> np.ndarray:
    """Kept pairs that match each entry, by pyarrow and NumPy."""
    counts = np.zeros(n_entries, np.int64)
    for file in pair_files:
        table = pq.read_table(file, columns=["matched_entry_ids", "t_min"], filters=pc.field("t_min") < t)
        ids = pc.list_flatten(table["matched_entry_ids"]).to_numpy()
        counts += np.bincount(ids, minlength=n_entries)
    return counts


def _mix(x: int) -> int:
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & ALL_BITS
    x = (x ^ x >> 27) * 0x94D049BB133111EB & ALL_BITS
    return x ^ x >> 31
