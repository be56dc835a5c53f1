"""A dry run: a sample of the pool goes through the real passes, and tells what a run over all of it will come to.

Row groups (of formats without them, files) are drawn at random; of each the first rows are read. What is counted in
them is scaled to the pool. All of it is an estimate, and says how far it can be off:

- Row groups differ. How much, the sample tells itself: the estimate is made again without each part of it (jackknife).
- What an entry keeps hangs on its count in the whole pool. One that a sample of 1/f of the pool meets X times stands in
  about f X texts. Rare ones are met too often where they are met at all, so by these counts too few pairs are kept, on
  average and whatever the pool. Seen from one of its own pairs, an entry stands in about 1 + f (X - 1) texts, by which
  too many pairs of rare entries are kept. The size is taken in the middle, and both belong to its range. Where f is far
  below t the two are one.
- The draw of a run moves its size by sigma.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation.balancing import p_to_t, pair_prob
from curation.engines import Engine
from curation.errors import BadArgument
from curation.metadata import Metadata
from curation.queries import Step
from curation.rare import PLACE, RARE, SMALL_RUN
from curation.runs.config import DEFAULT_TAIL_SHARE, CurateConfig
from curation.runs.filtered import filter_steps
from curation.runs.folder import is_locked, lock
from curation.runs.plan import make_plan, units
from curation.runs.sampling import SAMPLE_ROWS, Met, Sample, count_of, draw_sample, pass_through, scaled_counts
from curation.runs.trash import bytes_on_disk

GROUPS = 16
"""The sample is left out in so many groups at most, one at a time."""

_PREFIX = ".dry-run-"

_STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13)
"""Quantiles of Student's t distribution for a range of 95 %, by degrees of freedom from 1."""

WHOLE_POOL = (
    "same pair",
    "same text",
    "same image",
    "similar image",
    "texts per image",
    "images per text",
    "rare words",
)
"""Filters that decide over all pairs together."""


@dataclass(frozen=True)
class Range:
    """An estimate, and the range in which the truth lies 19 times in 20."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a run will come to, by a sample.

    parts, of_parts: how many row groups or files were read, wholly or their beginnings, of how many
    rows_read:       rows that were read; share: of the pool
    pairs:           usable pairs of the pool, after filters; matched: of these; matches: entries in texts
    t:               the threshold; kept: pairs that it keeps
    seconds:         of each phase, by the clock, on this machine as busy as it was, with these workers
    disk_bytes:      of the run folder; free_bytes: on the disk where it would be
    funnel:          of the sample alone, what was met; in its last step what is kept on average
    notes:           what the estimate cannot know, in words
    """

    parts: int
    of_parts: int
    rows_read: int
    share: float
    pairs: Range
    matched: Range
    matches: Range
    t: Range
    kept: Range
    seconds: dict[str, float]
    disk_bytes: Range
    free_bytes: int
    funnel: list[Step]
    notes: list[str]


def estimate(
    pool: Sequence[str],
    metadata: Metadata,
    config: CurateConfig,
    engine: Engine,
    *,
    rows: int = SAMPLE_ROWS,
    seed: int = 0,
    scratch: Path | None = None,
    on_share: Callable[[float], None] = lambda share: None,
    cancel: Callable[[], bool] = lambda: False,
) -> Estimate:
    """Predict size, time and disk of a run over a pool, from a sample of it.

    engine:   where the run will work; the sample goes through it as well
    rows:     about how many are read (SAMPLE_ROWS); seed: of the choice
    scratch:  a folder for what is written on the way, on the disk where the run will be; gone in the end
    on_share: told which share of the work is done
    raises    what making a run and `Engine.check` raise, BadArgument if nothing of the sample matches, Cancelled
    """
    plan = make_plan(pool, metadata, config)
    with _folder_in(scratch) as folder:
        sample = draw_sample(plan, folder, rows, seed)
        engine.check(folder, sorted({unit.path for unit in units(sample.run)}))
        met = pass_through(sample, metadata, engine, on_share, cancel)
        figures = _Figures(sample, met)
        t, kept = figures.t_and_kept()
        return Estimate(
            parts=len(sample.read),
            of_parts=sample.of_parts,
            rows_read=sum(receipt.rows_in for receipt in met.receipts),
            share=float(sample.read.sum() / sample.of_pool),
            pairs=figures.range("pairs"),
            matched=figures.range("matched"),
            matches=figures.range("matches"),
            t=t,
            kept=kept,
            seconds=figures.seconds(),
            disk_bytes=figures.disk_bytes(),
            free_bytes=shutil.disk_usage(folder).free,
            funnel=_funnel(met, kept.value / figures.scale_up),
            notes=_notes(sample, met),
        )


@contextmanager
def _folder_in(scratch: Path | None) -> Iterator[Path]:
    """A folder for what is written on the way, gone in the end; so are those of dry runs that were killed."""
    for leftover in Path(scratch or tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if (leftover / "lock").exists() and not is_locked(leftover):
            shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix=_PREFIX) as name, lock(Path(name)):
        yield Path(name)


class _Figures:
    """The figures of the whole pool, from all of the sample and from it without each group of parts."""

    def __init__(self, sample: Sample, met: Met) -> None:
        self._sample, self._met, self._config = sample, met, sample.run.config
        self.scale_up = float(sample.of_pool / sample.read.sum())
        self._count = count_of(met.counts, met.env.arrays.entry_count.size)
        if not self._count.any():
            raise BadArgument(f"nothing matched in what was read of the pool, {len(sample.read)} part(s)")
        self._pairs = pa.concat_arrays(met.pairs)
        self._ends = np.cumsum([0, *map(len, met.pairs)])
        self._t = self._t_for_size(float(self._config.size)) if self._config.size is not None else self._config.t
        parts = np.arange(len(sample.read))
        self._whole = self._of(parts)
        self._without: list[dict[str, float]] = []
        if self.scale_up > 1.0 and len(parts) > 1:
            groups = np.array_split(np.random.default_rng(0).permutation(parts), min(GROUPS, len(parts)))
            self._without = [self._of(np.setdiff1d(parts, group)) for group in groups]

    def range(self, name: str) -> Range:
        """A figure with its range."""
        value, often, seldom = (self._whole[key] for key in (name, f"{name} often", f"{name} seldom"))
        quantile = _STUDENT[len(self._without) - 2] if self._without else 1.96
        half = quantile * np.sqrt(self._variance(name))
        return _range(value, min(often, seldom) - half, max(often, seldom) + half)

    def t_and_kept(self) -> tuple[Range, Range]:
        """The threshold that the configuration asks for, and what it keeps."""
        t, kept, size = self.range("t"), self.range("kept"), self._config.size
        if size is None or size > self._whole["matched"]:
            return t, kept
        low, high = (self._t_for_size(size * kept.value / max(end, 1.0)) for end in (kept.high, kept.low))
        return _range(t.value, low, high), _range(size, size, size)

    def seconds(self) -> dict[str, float]:
        """Of each phase. The curves take as long as there are entries, of which a sample meets some only."""
        seen, value, _ = self._entries()
        longer = {"curves": value / seen}
        return {name: round(float(seconds) * longer.get(name, 1.0), 1) for name, seconds in self._met.seconds.items()}

    def disk_bytes(self) -> Range:
        """Of the run folder when it is done."""
        run, pairs = self._sample.run, self.range("bytes")
        of_entry = 4 * self._met.grid_points + 12  # its row of `Curves.entry_kept`, its id and its count
        rare = self._met.env.arrays.entry_count <= self._whole["pairs"] // RARE
        fixed = self.scale_up * bytes_on_disk(run.path / "filtered") + (run.path / "entries.parquet").stat().st_size
        if self._whole["pairs"] > SMALL_RUN:
            fixed += PLACE.itemsize * int(self._met.env.arrays.entry_count[rare].sum())
        fixed += 8 * rare.size
        seen, value, most = (of_entry * entries for entries in self._entries())
        return _range(pairs.value + fixed + value, pairs.low + fixed + seen, pairs.high + fixed + most)

    def _of(self, parts: np.ndarray) -> dict[str, float]:
        """The figures by some parts of the sample alone, those of entries as often and as seldom as they can be."""
        met, read = self._met, self._sample.read
        f = self._sample.of_pool / read[parts].sum()
        count = count_of([met.counts[k] for k in parts], met.env.arrays.entry_count.size)
        found: dict[str, float] = {}
        for name in ("pairs", "matched", "matches", "bytes"):
            value = f * sum(self._amount(name, k) for k in parts)
            found |= {name: value, f"{name} often": value, f"{name} seldom": value}
        mine = np.concatenate([np.arange(self._ends[k], self._ends[k + 1]) for k in parts])
        t_low, t_high = (self._t, self._t) if self._t else self._t_for_tail_share(count, f)
        for way, scaled, t in (("often", scaled_counts(count, f), t_low), ("seldom", _seldom(count, f), t_high)):
            pi = pair_prob(self._pairs, self._entry_prob(scaled, t))[mine]
            found |= {f"t {way}": t, f"kept {way}": f * pi.sum(), f"draw {way}": f * (pi * (1.0 - pi)).sum()}
        for name in ("t", "kept", "draw"):
            found[name] = 0.5 * (found[f"{name} often"] + found[f"{name} seldom"])
        return found

    def _amount(self, name: str, part: int) -> int:
        receipt = self._met.receipts[part]
        return self._met.bytes[part] if name == "bytes" else receipt.rows if name == "pairs" else getattr(receipt, name)

    def _variance(self, name: str) -> float:
        """Of a figure: by what the groups differ, less as more of the pool was read; of the size also by the draw."""
        values = np.array([figures[name] for figures in self._without])
        groups = len(values)
        differ = (groups - 1) / groups * ((values - values.mean()) ** 2).sum() if groups else 0.0
        return float(differ) * (1.0 - 1.0 / self.scale_up) + (self._whole["draw"] if name == "kept" else 0.0)

    def _entry_prob(self, count: np.ndarray, t: float) -> np.ndarray:
        scale = self._met.env.scale
        thresholds = np.array([scale.language_t(number, t) for number in range(len(scale.codes))])[scale.entry_language]
        return thresholds / np.maximum(count, thresholds)

    def _t_for_tail_share(self, count: np.ndarray, f: float) -> tuple[float, float]:
        """The least and the most that the threshold can be: entries near it were met k times, give or take sqrt(k)."""
        share = self._config.tail_share
        k = p_to_t(self._met.env.scale.of_reference(count), DEFAULT_TAIL_SHARE if share is None else share)
        sigma = np.sqrt(k * f * (f - 1.0))
        return max(1.0, 1.0 + f * (k - 1.0) - sigma), f * k + sigma

    def _t_for_size(self, size: float) -> float:
        """The threshold that keeps so many pairs; halving the logarithm 16 times is nearer than the sample can tell."""
        low, high = 0.0, float(np.log(max(1.0, self._met.env.scale.top(self._met.env.arrays.entry_count))))
        scaled = (scaled_counts(self._count, self.scale_up), _seldom(self._count, self.scale_up))
        for _ in range(16):
            t = float(np.exp((low + high) / 2))
            kept = sum(pair_prob(self._pairs, self._entry_prob(count, t)).sum() for count in scaled) / 2
            low, high = (low, (low + high) / 2) if kept * self.scale_up >= size else ((low + high) / 2, high)
        return float(np.exp(high))

    def _entries(self) -> tuple[float, float, float]:
        """Entries that match: those that the sample met, about how many the pool has, and at most.

        After Chao (1984): those met once and twice tell how many were not met.
        """
        seen, once, twice = (int((self._count > 0).sum()), *(int((self._count == k).sum()) for k in (1, 2)))
        unseen = (1.0 - 1.0 / self.scale_up) * once * (once - 1) / (2 * (twice + 1))
        most = min(self._count.size, seen + (self.scale_up - 1.0) * once)
        return seen, min(seen + unseen, most), most


def _range(value: float, low: float, high: float) -> Range:
    """In plain numbers, which JSON knows."""
    return Range(float(value), max(0.0, float(low)), float(high))


def _seldom(count: np.ndarray, f: float) -> np.ndarray:
    """Counts of the pool, as one of the texts of an entry sees them: itself, and f times the others of the sample."""
    return np.where(count > 0, 1.0 + f * (count - 1.0), 0.0)


def _funnel(met: Met, kept: float) -> list[Step]:
    """Of the sample."""
    dropped = sum((Counter(receipt.dropped) for receipt in met.receipts), Counter[str]())
    rows_in, rows, matched = (sum(getattr(r, name) for r in met.receipts) for name in ("rows_in", "rows", "matched"))
    filters, unreadable, read = filter_steps(met.env.reading.config.active_filters, dropped, rows, met.judged)
    out = min(round(kept), matched)
    return [
        Step("read", rows_in, read, dict(unreadable)),
        *(Step(step["step"], step["in"], step["out"], step["dropped"], step.get("notes", {})) for step in filters),
        Step("match", rows, matched, {"no entry matches": rows - matched}),
        Step("balance", matched, out, {"balanced away": matched - out}),
    ]


def _notes(sample: Sample, met: Met) -> list[str]:
    """What the estimate cannot know, or has to take for granted."""
    notes = []
    if len(sample.read) == 1 < sample.of_parts or (len(sample.read) == 1 and sample.read.sum() < sample.of_pool):
        notes.append("one part of the pool was read: how far the others differ from it is not in the ranges")
    if sample.read.sum() < sample.of_pool:
        if sample.beginnings:
            notes.append("of each row group that was drawn its first rows were read, and stand for all of it")
        if whole := [name for name in sample.run.config.active_filters if name in WHOLE_POOL]:
            notes.append(f"filters that compare pairs saw the sample alone, the run will drop more: {', '.join(whole)}")
    return notes
