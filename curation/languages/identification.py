"""Which language a text is in, by py3langid: a naive Bayes model over byte n-grams, in the wheel, for 139 languages."""

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pyarrow as pa

from curation.errors import MissingExtra
from curation.languages.codes import normalised

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

MIN_CONFIDENCE = 0.1
"""Below, a text counts as not identified; a text without a single known n-gram has 1/140."""


def identify(texts: pa.Array) -> pa.StringArray:
    """The code of the language that each text is most likely in.

    Among all languages that the model knows, not only those with metadata: a text in another one is none of ours.

    texts:  (N,) string
    returns (N,) string; null for what is in no language (numbers, file names, emoji) or too uncertain
    raises  MissingExtra
    """
    model = _model()
    return normalised(pa.array([model.classify(text or "")[0] for text in texts.to_pylist()], pa.string()))


def check_installed() -> None:
    """MissingExtra if `identify` cannot work here."""
    if find_spec("py3langid") is None:
        raise MissingExtra(
            "languages are identified by py3langid, which is not installed: pip install 'headtail[languages]', "
            "or take the pool's own column with --identify never"
        )


@cache
def _model() -> "LanguageIdentifier":
    # half a second to read: only who identifies pays
    check_installed()
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True, min_confidence=MIN_CONFIDENCE)
