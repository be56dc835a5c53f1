"""What is measured on: a list of entries and a pool of captions.

At full size these are the list and the pool maker that lie beside the repository in `../shared`, where they do; else,
and for any other number of entries, both are generated: words by a Zipf law.
"""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measure import ROOT

SHARED = ROOT.parent / "shared"
FULL_SIZE = 500_000
PEOPLE_WRITE = ("{}", "{}.", "{}!", "a photo of {}, isolated", "{}\t(large)")


@dataclass(frozen=True)
class World:
    """Entries, and the pools that go with them.

    name:     where they come from, for the record
    folder:   where its pools are kept; a worker process uses those of the one that started it
    metadata: JSON list of entries
    maker:    script that writes a pool, or None where its captions are drawn here
    """

    name: str
    folder: Path
    metadata: Path
    maker: Path | None

    def entries(self) -> list[str]:
        return list(dict.fromkeys(json.loads(self.metadata.read_text(encoding="utf-8"))))

    def pool(self, pairs: int, n_files: int) -> Path:
        """A folder with so many pairs (uid, url, text) in so many files, zstd; the same pairs each time."""
        folder = self.folder / f"pool-{self.metadata.stem}-{pairs}-{n_files}"
        if not folder.exists():
            part, per_file = folder.with_name(f"{folder.name}.part"), -(-pairs // n_files)
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            if self.maker:
                command = [sys.executable, self.maker, part, "--pairs", str(pairs), "--shard", str(per_file)]
                subprocess.run(command, check=True)
            else:
                self._write_pool(part, pairs, per_file)
            part.rename(folder)
        return folder

    def captions(self, n: int) -> list[str]:
        """The texts of a pool of that size."""
        return pq.read_table(self.pool(n, 1), columns=["text"])["text"].to_pylist()

    def _write_pool(self, folder: Path, pairs: int, per_file: int) -> None:
        words = list(dict.fromkeys(word for entry in self.entries() for word in entry.split()))
        rng = np.random.default_rng(0)
        for number, start in enumerate(range(0, pairs, per_file)):
            count = min(per_file, pairs - start)
            ids = range(start, start + count)
            table = {
                "uid": [f"{i:016x}" for i in ids],
                "url": [f"https://pool.example/{i}.jpg" for i in ids],
                "text": zipf_texts(rng, words, count),
            }
            pq.write_table(pa.table(table), folder / f"{number:05d}.parquet", compression="zstd")


def world(n_entries: int) -> World:
    """The world with so many entries."""
    given = os.environ.get("HEADTAIL_BENCH_METADATA")
    metadata, maker = (
        Path(given) if given else SHARED / "data" / "metadata_500k.json",
        SHARED / "tools" / "make_pool.py",
    )
    if n_entries != FULL_SIZE or not metadata.is_file():
        metadata = _folder() / f"generated-{n_entries}.json"
        metadata.write_text(json.dumps(zipf_entries(n_entries)), encoding="utf-8")
        return World("generated: entries and texts by a Zipf law", _folder(), metadata, None)
    if maker.is_file():
        return World(f"entries of {metadata.name}, texts of {maker.name}", _folder(), metadata, maker)
    return World(f"entries of {metadata.name}, texts by a Zipf law over their words", _folder(), metadata, None)


def zipf_entries(n: int) -> list[str]:
    """n distinct entries: three fifths words, the others two or three words in a row, frequent ones more often."""
    rng = np.random.default_rng(0)
    words = [word(rank) for rank in range(1 + 3 * n // 5)]
    entries = dict.fromkeys(words)
    while len(entries) < n:
        ranks = np.minimum(rng.zipf(1.3, (n, 3)) - 1, len(words) - 1)
        length = 2 + (rng.random(n) < 0.2)
        entries.update((" ".join(words[k] for k in row[:stop]), None) for row, stop in zip(ranks, length, strict=True))
    return list(entries)[:n]


def zipf_texts(rng: np.random.Generator, words: list[str], n: int) -> list[str]:
    """n texts of about nine words, the word of rank k about 1 / k of the time, with the marks that people write."""
    p = 1 / np.arange(1, len(words) + 1)
    lengths = rng.poisson(8, n) + 1
    drawn = np.array(words, dtype=object)[rng.choice(len(words), int(lengths.sum()), p=p / p.sum())]
    form, starts = rng.integers(len(PEOPLE_WRITE), size=n), np.cumsum(lengths) - lengths
    return [PEOPLE_WRITE[form[i]].format(" ".join(drawn[starts[i] : starts[i] + lengths[i]])) for i in range(n)]


def word(rank: int) -> str:
    """A word of its own for each rank: its digits to base 60, spoken.

    >>> word(0), word(7), word(60)
    ('ba', 'na', 'baba')
    """
    syllables = [consonant + vowel for vowel in "aeiou" for consonant in "bcdfglmnprst"]
    spoken = syllables[rank % 60]
    while rank := rank // 60:
        spoken += syllables[(rank - 1) % 60]
    return spoken


@cache
def _folder() -> Path:
    """Where pools are kept: HEADTAIL_BENCH_DIR, or a folder that goes with this process."""
    if given := os.environ.get("HEADTAIL_BENCH_DIR"):
        Path(given).mkdir(parents=True, exist_ok=True)
        return Path(given)
    folder = tempfile.TemporaryDirectory(prefix="headtail-bench-")
    atexit.register(folder.cleanup)
    return Path(folder.name)
