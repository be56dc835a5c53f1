"""Evaluation sets in WebDataset tars."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from curation.clip.features import item_digest
from curation.clip.readers.picture import LABELS, Picture, Source, as_captions, as_label, as_text, split_of
from curation.pool import webdataset
from curation.pool.columns import Columns
from curation.pool.tar import Member
from curation.pool.webdataset import Unusable


def open_tar(path: Path, split: str) -> Source:
    """Samples with an image; `cls` with the class, `txt` with a caption a line; or values of `json` by these names."""

    def pictures(dropped: Counter[str]) -> Iterator[Picture]:
        with webdataset.open_tar(path) as file:
            for item in webdataset.read_samples(file):
                if not isinstance(item, webdataset.Sample):
                    dropped["damage in a tar file"] += 1
                    continue
                try:
                    yield _of_sample(file, item, split, dropped)
                except Unusable as reason:
                    dropped[str(reason)] += 1

    return Source(pictures, lambda places: webdataset.images(path, Columns(), places))


def _of_sample(file: BinaryIO, sample: webdataset.Sample, split: str, dropped: Counter[str]) -> Picture:
    if sample.cut or sample.incomplete:
        raise Unusable("cut by damage")
    if sample.image is None:
        raise Unusable("no image")
    record = webdataset.record_of(file, sample)
    values = {name: _member(file, sample, name) for name in (*LABELS, *webdataset.TEXT_FIELDS)}
    label = next((value for name in LABELS if (value := values[name] or record.get(name)) is not None), None)
    lines = next((values[name].split(b"\n") for name in webdataset.TEXT_FIELDS if values[name]), None)
    told = next((record[name] for name in ("captions", "caption", "text") if record.get(name)), None)
    image = webdataset.read_member(file, _readable(sample.image, "image"))
    return Picture(
        webdataset.image_reference(sample.image),
        item_digest(image),
        as_label(_as_number(label), dropped),
        split_of(as_text(record.get("split"), dropped, "split") or "") or split,
        as_captions(lines or told, dropped),
    )


def _member(file: BinaryIO, sample: webdataset.Sample, name: str) -> bytes:
    """The bytes of a text; empty if the sample has none."""
    member = sample.fields.get(name)
    return webdataset.read_member(file, _readable(member, "text")) if member else b""


def _readable(member: Member, kind: str) -> Member:
    if reason := webdataset.why_refused(member, kind):
        raise Unusable(reason)
    return member


def _as_number(label: object) -> object:
    """`cls` holds digits where classes are numbers."""
    return int(label) if isinstance(label, bytes) and label.strip().isdigit() else label
