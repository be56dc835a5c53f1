"""How a run reads the pairs of a unit: all texts of an image or one, and the language that each is matched in."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from curation.engines import Unit
from curation.pool.columns import Columns
from curation.pool.format import Format
from curation.pool.pairs import Scanned
from curation.pool.parquet import FORMAT as PARQUET
from curation.pool.parquet import scan, scan_texts
from curation.pool.texts import draw_texts
from curation.runs.config import CurateConfig
from curation.runs.routing import decide_languages, remembered_languages


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What both passes must read in the same way.

    formats:   the format of each file of the pool, by its path
    languages: those that there is metadata for; None where metadata knows no languages
    """

    columns: Columns
    formats: Mapping[str, Format]
    config: CurateConfig
    languages: frozenset[str] | None

    def texts(self, unit: Unit) -> Iterator[tuple[pa.StringArray, pa.StringArray | None, Counter[str]]]:
        """For the first pass: texts, the language of each if metadata knows languages, and what was left out."""
        if self.languages is None and self.config.texts == "every" and self.formats[unit.path] is PARQUET:
            for text, dropped in scan_texts(unit.path, unit.row_groups, self.columns):
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

    def _scanned(self, unit: Unit) -> Iterator[Scanned]:
        batches = (
            scan(unit.path, unit.row_groups, self.columns)
            if self.formats[unit.path] is PARQUET
            else self.formats[unit.path].read(Path(unit.path), self.columns)
        )
        for batch in batches:
            if self.config.texts == "one":
                pairs, dropped = draw_texts(batch.pairs, self.config.seed)
                batch = replace(batch, pairs=pairs, dropped=batch.dropped + dropped)
            yield batch
