"""The arrays that all units of a run share: the matcher and the hashes of its entries, and what is counted in between.

They are .npy files in the run's work folder, mapped into memory by every worker.
"""

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation import files
from curation.engines.shared import on_this_node, seal
from curation.matching import Matcher, RoutedMatcher
from curation.uniform import entry_hashes


@dataclass(frozen=True)
class Arrays:
    """Arrays in memory.

    entry_hash: (M,) uint64; entry_count: (M,) int64, of the whole pool or still 0
    """

    matcher: Matcher | RoutedMatcher
    entry_hash: np.ndarray
    entry_count: np.ndarray


@dataclass(frozen=True)
class MappedArrays:
    """The same in files. entries: the folder of matcher and hashes; counts: that of the counts, None before."""

    entries: Path
    counts: Path | None = None

    @cached_property
    def matcher(self) -> Matcher | RoutedMatcher:
        """Finds entries in texts."""
        folder = on_this_node(self.entries) / "matcher"
        return RoutedMatcher.load(folder) if RoutedMatcher.is_saved_in(folder) else Matcher.load(folder)

    @cached_property
    def entry_hash(self) -> np.ndarray:
        """(M,) uint64"""
        return _mapped(on_this_node(self.entries) / "entry_hash.npy")

    @cached_property
    def entry_count(self) -> np.ndarray:
        """(M,) int64"""
        if self.counts is None:
            return np.zeros(self.entry_hash.size, np.int64)
        return _mapped(on_this_node(self.counts) / "entry_count.npy")

    def __reduce__(self) -> tuple[type["MappedArrays"], tuple[Path, Path | None]]:
        """Only where the files are: whoever gets it maps them again."""
        return MappedArrays, (self.entries, self.counts)


def entry_columns(entries: pa.Table) -> tuple[pa.Array, pa.Array | None]:
    """The entries of a run, (M,) string, and the language of each if metadata knows languages."""
    language = entries["language"].cast(pa.string()).combine_chunks() if "language" in entries.column_names else None
    return entries["entry"].combine_chunks(), language


def arrays_of(entries: pa.Table, entry_count: np.ndarray, seed: int) -> Arrays:
    """Made in memory. entries: entry string, and language string if metadata knows languages"""
    entry, language = entry_columns(entries)
    return Arrays(_matcher(entry, language), entry_hashes(entry, seed), entry_count)


def write_entry_arrays(folder: Path, entries: pa.Table, seed: int) -> None:
    """Matcher and hashes to files."""
    entry, language = entry_columns(entries)
    shutil.rmtree(folder, ignore_errors=True)  # of a job that was stopped
    _matcher(entry, language).save(folder / "matcher", files.save_array)
    files.write_array(folder / "entry_hash.npy", entry_hashes(entry, seed))
    seal(folder)


def write_counts(folder: Path, entry_count: np.ndarray) -> None:
    """The counts of the whole pool to a file."""
    files.write_array(folder / "entry_count.npy", entry_count)
    seal(folder)


def _matcher(entry: pa.Array, language: pa.Array | None) -> Matcher | RoutedMatcher:
    return Matcher(entry) if language is None else RoutedMatcher(entry, language)


def _mapped(path: Path) -> np.ndarray:
    return np.asarray(np.load(path, mmap_mode="r"))
