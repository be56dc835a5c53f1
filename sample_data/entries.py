"""The metadata of the SYNTHETIC emoji world: WordNet's nouns and the names of the concepts."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from concepts import Concept, SourceMissing

WORDNET = Path("/usr/share/wordnet/data.noun")


def metadata_table(concepts: Iterable[Concept], wordnet: Path = WORDNET) -> pa.Table:
    """Distinct entries: the first lemma of every noun synset, then the concept names that are not among them.

    returns columns entry: string (lower case), source: string ("wordnet" or "concepts")
    """
    sources: dict[str, str] = dict.fromkeys(noun_lemmas(wordnet), "wordnet")
    for concept in concepts:
        sources.setdefault(concept.name.lower(), "concepts")
    return pa.table(
        {
            "entry": pa.array(list(sources), pa.string()),
            "source": pa.array(list(sources.values()), pa.string()),
        }
    )


def noun_lemmas(path: Path = WORDNET) -> list[str]:
    """The cleaned first lemma of every synset of a WordNet data file, in its order, not yet distinct."""
    try:
        from curation.metadata.wordnet import first_lemmas
    except ModuleNotFoundError as error:
        raise SourceMissing(
            f"the library is not installed ({error}); in the repository: pip install -e ."
        ) from None
    try:
        with path.open(encoding="latin-1") as lines:
            return list(first_lemmas(lines))
    except FileNotFoundError:
        raise SourceMissing(f"{path}: not found; apt-get install wordnet-base") from None
