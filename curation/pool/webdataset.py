"""Pools in WebDataset form: tar files in which the members of a pair share their name up to its first dot.

    000000.jpg 000000.json 000000.txt 000001.jpg ...

See https://github.com/webdataset/webdataset. The members of a key stand next to each other. A key is the name with its
folder, up to the first dot of the last part, however long; the field is what follows that dot, in upper or lower case.
Which field or value of a sample is what:

text   the field called as the text column, or else the value of that name in `json`; or else, if no other text column
       was chosen, `txt`, `caption`, or the value "caption" in `json`
image  jpg, jpeg, png, webp or gif, the first of them; a pair may have none
`json` uid, url, width, height, language, by the names of the columns. What img2dataset wrote has the size before
       resizing too, and that is taken: afterwards all images may be squares. Its "key" is no uid, for every download
       numbers its images from 0; `--uid-column key` takes it all the same

Other fields, and names that begin with a dot (macOS writes such), are passed over unread. A sample that cannot be read
in one of the fields above is left out and counted, once.
"""

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from curation.errors import MissingColumn, UnreadableFile
from curation.pool.columns import Columns
from curation.pool.format import Format
from curation.pool.image_files import IMAGE_SUFFIXES, MAX_IMAGE_BYTES
from curation.pool.pairs import Scanned
from curation.pool.rows import Row, Rows, pair_fields, printable
from curation.pool.sniff import check_bare
from curation.pool.tar import Damage, Member, walk
from curation.pool.uids import image_digest, pair_uid

TEXT_FIELDS = ("txt", "caption")
MAX_TEXT_BYTES = 5_000_000
MAX_FIELDS = 100

_BUFFER = 2**13  # a header and a short text; images are stepped over
_PART = 2**20
_LOOK_AT = 1000  # samples that are asked for the names of their fields
_REFERENCE = re.compile(r"([0-9]{1,18})\+([0-9]{1,8})")


@dataclass(slots=True)
class Sample:
    """Members of one key that stand next to each other.

    fields:     the first MAX_FIELDS of them, by the part of their name after the first dot, in lower case
    stems:      how many names in a row differ before their last dot: names with dots inside fall together in one key
    incomplete: bytes next to it, or between its members, were lost
    cut:        bytes of a member may be lost
    """

    key: str
    fields: dict[str, Member] = field(default_factory=dict)
    stems: int = 0
    last_stem: str = ""
    incomplete: bool = False
    cut: bool = False

    def add(self, name: str, member: Member) -> None:
        """One more member."""
        stem = name.rpartition(".")[0]
        self.stems += not self.stems or stem != self.last_stem
        self.last_stem = stem
        if len(self.fields) < MAX_FIELDS:
            self.fields[name] = member

    @property
    def image(self) -> Member | None:
        """The first member that is an image."""
        return next((member for name, member in self.fields.items() if name in IMAGE_SUFFIXES), None)


def fields(path: Path) -> list[str]:
    """The fields of the first samples, and then the names in their json; raises UnreadableFile."""
    members: dict[str, None] = {}
    values: dict[str, None] = {}
    with open_tar(path) as file:
        samples = (item for item in read_samples(file) if isinstance(item, Sample))
        for sample in islice(samples, _LOOK_AT):
            members.update(dict.fromkeys(sample.fields))
            try:
                values.update(dict.fromkeys(record_of(file, sample)))
            except Unusable:
                continue
    return [printable(name) for name in members | values]


def read(path: Path, columns: Columns) -> Iterator[Scanned]:
    """The pairs of a tar file; a row is a sample.

    raises UnreadableFile for what is no tar file, MissingColumn where none of the first samples has a text
    """
    _check_text_field(path, columns)
    rows = Rows()
    row = 0
    with open_tar(path) as file:
        shard = _Shard(file, columns)
        for item in read_samples(file):
            if isinstance(item, Damage):
                rows.damage.append(item.line)
                shard.keys = set() if item.new_tar else shard.keys
            else:
                shard.add(item, row, rows)
                row += 1
            if rows.full:
                yield rows.take()
    if not rows.empty:
        yield rows.take()


def images(path: Path, columns: Columns, references: Sequence[str]) -> list[bytes | None]:
    """The bytes behind references "<offset>+<size>", each read by itself, without a look at the rest of the file."""
    try:
        with path.open("rb", buffering=0) as file:
            return [_bytes_at(file, reference) for reference in references]
    except OSError:
        return [None] * len(references)


def read_samples(file: BinaryIO) -> Iterator[Sample | Damage]:
    """Samples in order of their last member; damage comes before the sample that it ends."""
    sample = Sample("")
    after_loss = False
    for item in walk(file):
        if isinstance(item, Damage):
            after_loss = sample.incomplete = True
            sample.cut |= item.cuts_member
            if item.new_tar and sample.key:
                yield sample
                sample = Sample("")
            yield item
            continue
        key, name = _key_and_field(item.name)
        if key and (key != sample.key or name in sample.fields):
            if sample.key:
                yield sample
            sample = Sample(key, incomplete=after_loss)
        if key:
            sample.add(name, item)
            after_loss = False
    if sample.key:
        yield sample


def image_reference(member: Member) -> str:
    """Where `images` finds the bytes of a member."""
    return f"{member.offset}+{member.size}"


class Unusable(Exception):
    """Why a sample is left out, in words that it is counted under."""


class _Shard:
    """Makes rows of the samples of a tar file.

    keys:  64-bit BLAKE2b of those that came already; 60 bytes of memory for a sample
    usual: what the last whole sample had: text, image, json
    """

    def __init__(self, file: BinaryIO, columns: Columns) -> None:
        self.file = file
        self.columns = columns
        self.keys: set[int] = set()
        self.usual = self._kinds(_first_whole(file))
        own_sizes = (columns.width, columns.height) != (Columns.width, Columns.height)
        self.resized = columns if own_sizes else replace(columns, width="original_width", height="original_height")

    def add(self, sample: Sample, row: int, rows: Rows) -> None:
        """Add a sample, or count why not."""
        try:
            self._check(sample)
            record = record_of(self.file, sample)
            text = self._text(sample, record)
            if text is None:
                rows.dropped[_why_no_text(sample)] += sample.stems
                return
            fields = pair_fields(record, self.resized if "original_width" in record else self.columns)
            if sample.image and not fields["uid"] and not fields["url"]:
                fields["uid"] = _uid_of_image(self.file, text, sample.image)
            image = image_reference(sample.image) if sample.image else None
            rows.add(Row(row=row, text=text, image=image, **fields))
        except Unusable as reason:
            rows.dropped[str(reason)] += 1

    def _check(self, sample: Sample) -> None:
        """Raise Unusable for a sample that is not whole, or has a member that must not be read."""
        key = int.from_bytes(blake2b(sample.key.encode(errors="surrogateescape"), digest_size=8).digest())
        if key in self.keys:
            raise Unusable("members of a key are not adjacent")
        self.keys.add(key)
        kinds = self._kinds(sample)
        if sample.cut or (sample.incomplete and not self.usual <= kinds):
            raise Unusable("cut by damage")
        for name, member in sample.fields.items():
            if (kind := self._kind(name)) and (reason := why_refused(member, kind)):
                raise Unusable(reason)
        if not sample.incomplete:
            self.usual = kinds

    def _kinds(self, sample: Sample) -> set[str]:
        return {kind for name in sample.fields if (kind := self._kind(name))}

    def _kind(self, name: str) -> str | None:
        if name in IMAGE_SUFFIXES:
            return "image"
        if name == "json":
            return "json"
        return "text" if name in TEXT_FIELDS or name == self.columns.text.lower() else None

    def _text(self, sample: Sample, record: dict[str, Any]) -> bytes | None:
        name = self.columns.text
        if member := sample.fields.get(name.lower()):
            return _read_text(self.file, member)
        value = record.get(name)
        if name == Columns.text and not isinstance(value, str):
            if member := next((sample.fields[field] for field in TEXT_FIELDS if field in sample.fields), None):
                return _read_text(self.file, member)
            value = record.get("caption")
        # a lone surrogate, which JSON may hold, becomes bytes that are counted as no UTF-8
        return value.encode(errors="surrogatepass") if isinstance(value, str) else None


def _first_whole(file: BinaryIO) -> Sample:
    samples = (item for item in read_samples(file) if isinstance(item, Sample) and not item.incomplete)
    return next(samples, Sample(""))


def why_refused(member: Member, kind: str) -> str | None:
    """Why a member must not be read as what it is: image, text or json; None if it may."""
    largest = MAX_IMAGE_BYTES if kind == "image" else MAX_TEXT_BYTES
    return member.refused or (f"{kind} is over {largest // 10**6} MB" if member.size > largest else None)


def _why_no_text(sample: Sample) -> str:
    refused = next((member.refused for member in sample.fields.values() if member.refused), None)
    return refused or ("no text; the name has dots inside" if sample.stems > 1 or sample.last_stem else "no text")


def _key_and_field(name: str) -> tuple[str, str]:
    """An empty key for names that begin with a dot."""
    folder, slash, base = name.rpartition("/")
    stem, _, field = base.partition(".")
    return (folder + slash + stem if stem else ""), field.lower()


def record_of(file: BinaryIO, sample: Sample) -> dict[str, Any]:
    """The json of a sample; empty if it has none; raises Unusable."""
    member = sample.fields.get("json")
    if member is None:
        return {}
    if reason := why_refused(member, "json"):
        raise Unusable(reason)
    try:
        record = json.loads(read_member(file, member))
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise Unusable("json cannot be read")
    return record


def _uid_of_image(file: BinaryIO, text: bytes, image: Member) -> str | None:
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        return None  # such a pair is left out
    file.seek(image.offset)
    parts = (file.read(min(_PART, image.size - at)) for at in range(0, image.size, _PART))
    return pair_uid(decoded, None, image_digest(parts))


def _read_text(file: BinaryIO, member: Member) -> bytes:
    return read_member(file, member).removeprefix(codecs.BOM_UTF8)


def read_member(file: BinaryIO, member: Member) -> bytes:
    """The bytes of a member, which `why_refused` has let pass."""
    file.seek(member.offset)
    return file.read(member.size)


def _bytes_at(file: BinaryIO, reference: str) -> bytes | None:
    found = _REFERENCE.fullmatch(reference)
    if not found or int(found[2]) > MAX_IMAGE_BYTES:
        return None
    file.seek(int(found[1]))
    data = file.read(int(found[2]))
    return data if len(data) == int(found[2]) else None


def open_tar(path: Path) -> BinaryIO:
    """A tar file; raises UnreadableFile where not one member is found, and not even an end marker."""
    check_bare(path)
    file = path.open("rb", buffering=_BUFFER)
    first = next(walk(file), None)
    if isinstance(first, Damage) and not any(isinstance(item, Member) for item in walk(file)):
        file.close()
        raise UnreadableFile(f"{path}: not a tar file, or no header of a member in it is whole")
    return file


def _check_text_field(path: Path, columns: Columns) -> None:
    names = fields(path)
    wanted = {columns.text, columns.text.lower(), *(TEXT_FIELDS if columns.text == Columns.text else ())}
    if names and wanted.isdisjoint(names):
        raise MissingColumn(
            f"{path}: no member or json value {columns.text!r} (found: {', '.join(names[:20])}); "
            "name it with --text-column"
        )


FORMAT = Format(name="webdataset", suffixes=(".tar", ".tar.gz", ".tgz"), fields=fields, read=read, images=images)
