"""How a run reads the pairs of a unit: all texts of an image or one, and the language that each is matched in."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from curation.engines import Unit
from curation.pool.columns import Columns
from curation.pool.formats import FORMATS
from curation.pool.pairs import Scanned
from curation.pool.parquet import FORMAT as PARQUET
from curation.pool.parquet import scan, scan_texts
from curation.pool.texts import draw_texts
from curation.runs.config import CurateConfig
from curation.runs.filtered import kept_pairs, kept_texts
from curation.runs.routing import decide_languages, remembered_languages


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What both passes must read in the same way.

    formats:   the name of the format of each file of the pool, by its path
    languages: those that there is metadata for; None where metadata knows no languages
    filtered:  the folder with what filters decided; None without filters
    """

    columns: Columns
    formats: Mapping[str, str]
    config: CurateConfig
    languages: frozenset[str] | None
    filtered: Path | None = None

    def texts(self, unit: Unit) -> Iterator[tuple[pa.StringArray, pa.StringArray | None, Counter[str]]]:
        """For the first pass: texts, the language of each if metadata knows languages, and what was left out."""
        if self.languages is None and self.config.texts == "every" and self.formats[unit.path] == PARQUET.name:
            texts = scan_texts(unit.path, unit.row_groups, self.columns)
            for text, dropped in kept_texts(texts, self._reasons(unit)) if self.filtered else texts:
                yield text, None, dropped
            return
        for batch in self._scanned(unit):
            if self.languages is None:
                yield batch.pairs["text"], None, batch.dropped
            else:
                pairs = decide_languages(batch.pairs, self.languages, self.config.identify)
                yield pairs["text"], pairs["language"], batch.dropped

    def pairs(self, unit: Unit, languages: Path | None) -> Iterator[Scanned]:
        """For the second pass: the same texts with all that belongs to them.

        languages: where the first pass kept those of the texts; None to decide them again
        """
        batches = self._scanned(unit)
        if self.languages is None:
            return batches
        if languages is not None:
            return remembered_languages(batches, languages)
        decide = partial(decide_languages, listed=self.languages, identify_when=self.config.identify)
        return (replace(batch, pairs=decide(batch.pairs)) for batch in batches)

    def everything(self, unit: Unit) -> Iterator[Scanned]:
        """For filters: all pairs of a unit, as the pool gives them."""
        if self.formats[unit.path] == PARQUET.name:
            return scan(unit.path, unit.row_groups, self.columns)
        return FORMATS[self.formats[unit.path]].read(Path(unit.path), self.columns)

    def _scanned(self, unit: Unit) -> Iterator[Scanned]:
        batches = self.everything(unit)
        for batch in kept_pairs(batches, self._reasons(unit)) if self.filtered else batches:
            if self.config.texts == "one":
                pairs, dropped = draw_texts(batch.pairs, self.config.seed)
                batch = replace(batch, pairs=pairs, dropped=batch.dropped + dropped)
            yield batch

    def _reasons(self, unit: Unit) -> Path:
        assert self.filtered is not None
        return self.filtered / f"{unit.index:05d}.parquet"
