"""All formats of exports, by name. A new one is a module with a `Format`, and a line here."""

from curation.runs.export.card import CARD
from curation.runs.export.format import Format
from curation.runs.export.hf import HF
from curation.runs.export.parquet import PARQUET
from curation.runs.export.uids import UIDS
from curation.runs.export.urls import URLS
from curation.runs.export.webdataset import WEBDATASET

EXPORTS: dict[str, Format] = {
    "parquet": PARQUET,
    "webdataset": WEBDATASET,
    "urls": URLS,
    "uids": UIDS,
    "hf": HF,
    "card": CARD,
}
