"""Build the worldwide captions: a SYNTHETIC pool of texts in nine languages, and metadata for eight of them.

    python sample_data/worldwide.py              rebuilds the committed files in sample_data/worldwide
    python sample_data/worldwide.py -o DIR       writes them elsewhere

The concepts and their law are those of the emoji world (concepts.parquet); their names and keywords in each
language are Unicode CLDR's. Caption i depends on i alone. Nothing in it was taken from the web.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from build import HERE, write_table
from concepts import CLDR, SourceMissing, read_annotations
from pairs import SITE, make_uid
from streams import Stream, pick, pick_weighted, stream
from worldwide_templates import NO_LANGUAGE, TEMPLATES

CAPTIONS = 4000
KEYWORDS = 4
"""So many keywords of a concept become entries, and words of captions."""

SHARES: tuple[tuple[str, float], ...] = (
    ("en", 0.40), ("zh", 0.11), ("ja", 0.10), ("de", 0.08), ("es", 0.08), ("fr", 0.07), ("ar", 0.05),
    ("th", 0.05), ("it", 0.03), ("und", 0.03),
)  # fmt: skip
"""Of the captions. Italian has captions and no metadata; "und" are file names and dates, in no language."""

WITH_METADATA = tuple(code for code, _ in SHARES if code not in ("it", "und"))

SYNTHETIC = (
    "SYNTHETIC data: captions from templates and names of emoji, made by sample_data/worldwide.py. "
    "Not from the web; the addresses do not exist. Credits and licences: sample_data/LICENSES.md"
)

METADATA = pa.schema([("entry", pa.string()), ("source", pa.string()), ("language", pa.string())])
POOL = pa.schema(
    [("uid", pa.string()), ("url", pa.string()), ("text", pa.string()), ("language", pa.string())]
)

Annotations = dict[str, tuple[str, tuple[str, ...]]]


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    summary, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="worldwide.py",
        description=summary,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-o", "--output", type=Path, default=HERE / "worldwide", help="folder")
    try:
        build(parser.parse_args(argv).output)
    except (SourceMissing, OSError) as error:
        print(f"worldwide.py: {error}", file=sys.stderr)
        return 1
    return 0


def build(output: Path) -> None:
    """Write metadata.parquet and captions.parquet into the folder `output`."""
    concepts = pq.read_table(HERE / "concepts.parquet", columns=["emoji", "probability"])
    emoji = concepts["emoji"].to_pylist()
    named = {code: read_annotations(CLDR / f"{code}.xml") for code, _ in SHARES if code != "und"}
    output.mkdir(parents=True, exist_ok=True)
    write_table(output / "metadata.parquet", metadata_table(emoji, named), SYNTHETIC)
    captions = caption_table(emoji, np.cumsum(concepts["probability"]), named)
    write_table(output / "captions.parquet", captions, SYNTHETIC)


def metadata_table(emoji: Sequence[str], named: dict[str, Annotations]) -> pa.Table:
    """Distinct entries by language: the names of all concepts, then the first keywords of each.

    English is in lower case, as in the emoji world's metadata; the other languages stand as CLDR writes them,
    since German nouns have capitals.

    returns columns entry: string, source: string ("name" or "keyword"), language: string
    """
    rows = []
    for code in WITH_METADATA:
        known = [named[code][one] for one in emoji if one in named[code]]
        sources = dict.fromkeys((cased(name, code) for name, _ in known), "name")
        for _, keywords in known:
            for keyword in keywords[:KEYWORDS]:
                sources.setdefault(cased(keyword, code), "keyword")
        rows += [{"entry": entry, "source": source, "language": code} for entry, source in sources.items()]
    return pa.Table.from_pylist(rows, METADATA)


def caption_table(emoji: Sequence[str], cumulative: np.ndarray, named: dict[str, Annotations]) -> pa.Table:
    """The captions, with the language that each was written in."""
    return pa.Table.from_pylist([caption(index, emoji, cumulative, named) for index in range(CAPTIONS)], POOL)


def caption(
    index: int, emoji: Sequence[str], cumulative: np.ndarray, named: dict[str, Annotations]
) -> dict[str, str]:
    """Caption `index`; it depends on nothing else."""
    rng = stream(0, Stream.WORLDWIDE, index)
    code = pick_weighted(rng, SHARES)
    if code == "und":
        text = pick(rng, NO_LANGUAGE).format(n=f"{int(rng.random() * 10_000):04d}")
    else:
        name, other = (draw_name(rng, code, emoji, cumulative, named[code]) for _ in range(2))
        text = pick(rng, TEMPLATES[code]).format(x=name, y=other)
    uid = make_uid("worldwide", index)
    return {"uid": uid, "url": f"{SITE}/worldwide/{uid[:10]}.jpg", "text": text, "language": code}


def draw_name(
    rng: np.random.Generator, code: str, emoji: Sequence[str], cumulative: np.ndarray, named: Annotations
) -> str:
    """What a concept is called, drawn by the emoji world's law: its name, or one time in three a keyword."""
    while True:
        concept = emoji[min(int(np.searchsorted(cumulative, rng.random(), side="right")), len(emoji) - 1)]
        if concept in named:
            name, keywords = named[concept]
            chosen = pick(rng, keywords[:KEYWORDS]) if keywords and rng.random() < 1 / 3 else name
            return cased(chosen, code)


def cased(name: str, code: str) -> str:
    """English in lower case, every other language as it is written."""
    return name.lower() if code == "en" else name


if __name__ == "__main__":
    sys.exit(main())
