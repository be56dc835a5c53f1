"""Which entries a text of a run is matched against: those of its language, where metadata knows languages.

The first pass decides, and keeps what it decided in work/<unit>.languages.parquet; the second takes it from there, so
that both passes agree and languages are identified once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import files
from curation.errors import BadRun
from curation.languages import as_listed, identify, normalised
from curation.pool.pairs import PAIR_SCHEMA, Scanned
from curation.scale import LanguageScale, language_scale, one_language

Identify = Literal["missing", "always", "never"]


def decide_languages(pairs: pa.RecordBatch, listed: frozenset[str], identify_when: Identify) -> pa.RecordBatch:
    """The pairs with the language that each text is matched in; null where nobody knows.

    pairs:         PAIR_SCHEMA; its language is what the pool says, in any form
    listed:        the languages with metadata
    identify_when: "missing": where the pool does not say; "always": whatever it says; "never"
    """
    codes = pa.nulls(len(pairs), pa.string()) if identify_when == "always" else normalised(pairs["language"])
    if identify_when != "never" and codes.null_count:
        unknown = codes.is_null()
        codes = pc.replace_with_mask(codes, unknown, identify(pairs["text"].filter(unknown)))
    return _with_language(pairs, as_listed(codes, listed))


def write_languages(path: Path, decided: Iterable[pa.Array]) -> None:
    """Keep what `decide_languages` said about the texts of a unit, batch by batch."""
    chunks = pa.chunked_array(list(decided), pa.string())
    files.write_parquet(path, pa.table({"language": chunks.dictionary_encode()}))


def remembered_languages(batches: Iterable[Scanned], path: Path) -> Iterator[Scanned]:
    """The batches with the languages that the first pass decided; BadRun if they are not as many."""
    languages = files.read_table(path)["language"].cast(pa.string()).combine_chunks()
    first = 0
    for batch in batches:
        mine = languages.slice(first, len(batch.pairs))
        first += len(mine)
        if len(mine) < len(batch.pairs):
            break
        yield replace(batch, pairs=_with_language(batch.pairs, mine))
    else:
        if first == len(languages):
            return
    raise BadRun(f"{path}: {len(languages):,} languages for another number of texts; the pool changed, start a new run")


def on_scale(values: np.ndarray, language: pa.Array, scale: LanguageScale) -> np.ndarray:
    """`LanguageScale.to_reference`, with the languages by their codes; a null only where the value is +inf."""
    number = pc.fill_null(pc.index_in(language, value_set=pa.array(scale.codes, pa.string())), 0)
    return scale.to_reference(values, number.to_numpy())


def scale_of(entries: pa.Table, reference: str) -> LanguageScale:
    """What t means in each language, by the counts of a run.

    entries: count int64, and language if metadata knows languages
    raises   BadArgument if the reference language matched nothing while others did
    """
    if "language" not in entries.column_names:
        return one_language(len(entries))
    language = entries["language"].cast(pa.string()).combine_chunks()
    codes = language.unique()
    number = pc.index_in(language, value_set=codes).to_numpy().astype(np.int32)
    return language_scale(entries["count"].to_numpy(), number, codes.to_pylist(), reference)


def _with_language(pairs: pa.RecordBatch, language: pa.Array) -> pa.RecordBatch:
    return pairs.set_column(PAIR_SCHEMA.get_field_index("language"), PAIR_SCHEMA.field("language"), language)
