"""Reading pools of other formats than Parquet, and one image out of a large tar file."""

import csv
import io
import json
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from measure import Measured, Times, peak_memory_mb, prove, race, ratios, script
from PIL import Image
from world import world

from curation.pool import webdataset
from curation.pool.columns import Columns
from curation.pool.decode import thumbnail
from curation.pool.formats import format_of
from pool.warcs import wat_record, write_records

PAGE_IMAGES = 50
SIDE = 160
NAMES = ["uid", "text", "url"]

Pair = tuple[str, str, str]


def read_pool(*, pairs: int = 200_000, entries: int = 500_000, images: int = 15_000, repeats: int = 3) -> Measured:
    """Read so many pairs in each format, and find thumbnails in a tar file of so many images."""
    its_world = world(entries)
    rows = list(
        zip(*pq.read_table(its_world.pool(pairs, 1)).select(["uid", "text", "url"]).to_pydict().values(), strict=True)
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {kind: write(folder, rows) for kind, write in WRITERS.items()}
        tar = _write_tar(folder / "images.tar", images, rows)
        proven = [
            prove(
                f"the texts of {pairs:,} pairs in {kind}", [row[1] for row in rows], [text for text, _ in _read(path)]
            )
            for kind, path in files.items()
        ]
        references = [image for _, image in _read(tar)]
        chosen = [references[at] for at in np.random.default_rng(0).integers(images, size=200)]
        proven.append(prove(f"the images of {images:,} samples, and tarfile's", *_some_images(tar, references)))
        readers: dict[str, Callable[[], Any]] = {kind: partial(_consume, path) for kind, path in files.items()}
        times = race(
            repeats,
            **readers,
            tar=lambda: _consume(tar),
            csv_module=lambda: _with_csv(files["csv"]),
            json_module=lambda: _with_json(files["jsonl"]),
            tarfile_module=lambda: _with_tarfile(tar),
        )
        one = race(len(chosen), thumbnail=_thumbnails(tar, iter(chosen)))["thumbnail"]
        json_mb = _json_bytes(rows) / 1e6
        figures = {
            "rows_per_cpu_s": {kind: pairs / min(times[kind].cpu) for kind in files},
            "wat_json_mb_per_cpu_s": json_mb / min(times["wat"].cpu),
            "tar_mb_per_cpu_s": tar.stat().st_size / 1e6 / min(times["tar"].cpu),
            "ratio_csv_module": ratios(times["csv"], times["csv_module"]),
            "ratio_json_module": ratios(times["jsonl"], times["json_module"]),
            "ratio_tarfile": ratios(times["tar"], times["tarfile_module"]),
            "thumbnail_ms": {"median": one.summary["median_wall"] * 1000, "p95": _p95(one) * 1000},
            "seconds": {kind: found.summary for kind, found in times.items()},
        }
        described = {"world": its_world.name, "tar_mb": round(tar.stat().st_size / 1e6), "side": SIDE}
    return Measured(parameters=described, proven=proven, figures=figures, peak_memory_mb=peak_memory_mb())


def _write_csv(folder: Path, rows: list[Pair]) -> Path:
    pyarrow.csv.write_csv(
        pa.table(dict(zip(("uid", "text", "url"), zip(*rows, strict=True), strict=True))), folder / "p.csv"
    )
    return folder / "p.csv"


def _write_jsonl(folder: Path, rows: list[Pair]) -> Path:
    lines = (json.dumps(dict(zip(NAMES, row, strict=True)), ensure_ascii=False) for row in rows)
    (folder / "p.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "p.jsonl"


def _wat_records(rows: list[Pair]) -> Iterator[bytes]:
    for at in range(0, len(rows), PAGE_IMAGES):
        links = [{"path": "IMG@/src", "url": url, "alt": text} for _, text, url in rows[at : at + PAGE_IMAGES]]
        yield wat_record("https://pages.example/", links)


def _write_wat(folder: Path, rows: list[Pair]) -> Path:
    write_records(folder / "p.warc.wat.gz", list(_wat_records(rows)))
    return folder / "p.warc.wat.gz"


WRITERS: dict[str, Callable[[Path, list[Pair]], Path]] = {"csv": _write_csv, "jsonl": _write_jsonl, "wat": _write_wat}


def _json_bytes(rows: list[Pair]) -> int:
    return sum(len(record) for record in _wat_records(rows))


def _write_tar(path: Path, images: int, rows: list[Pair]) -> Path:
    """A tar file of samples with a text, a url and a JPEG of 640 x 480 pixels, all the same one."""
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).resize((640, 480)).save(out, "JPEG", quality=88)
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for at in range(images):
            _, text, url = rows[at % len(rows)]
            members = (("txt", text.encode()), ("json", json.dumps({"url": url}).encode()), ("jpg", out.getvalue()))
            for suffix, data in members:
                info = tarfile.TarInfo(f"{at:09d}.{suffix}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return path


def _read(path: Path) -> Iterator[tuple[str, str | None]]:
    for batch in format_of(path).read(path, Columns()):
        yield from zip(batch.pairs["text"].to_pylist(), batch.pairs["image"].to_pylist(), strict=True)


def _texts(path: Path) -> list[str]:
    return [text for text, _ in _read(path)]


def _consume(path: Path) -> int:
    return sum(len(batch.pairs) for batch in format_of(path).read(path, Columns()))


def _some_images(tar: Path, references: list[str | None]) -> tuple[list[bytes | None], list[bytes | None]]:
    ours = webdataset.images(tar, Columns(), [reference or "" for reference in references[:50]])
    with tarfile.open(tar) as file:
        members = (member for member in file if member.name.endswith(".jpg"))
        theirs = [file.extractfile(next(members)).read() for _ in range(len(ours))]  # type: ignore[union-attr]
    return ours, theirs


def _thumbnails(tar: Path, references: Iterator[str | None]) -> Callable[[], bytes]:
    def one() -> bytes:
        (image,) = webdataset.images(tar, Columns(), [next(references) or ""])
        return thumbnail(image or b"", SIDE)

    return one


def _with_csv(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file))


def _with_json(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for line in file if json.loads(line))


def _with_tarfile(path: Path) -> int:
    with tarfile.open(path) as file:
        return sum(1 for member in file if member.name.endswith((".txt", ".json")) and file.extractfile(member).read())  # type: ignore[union-attr]


def _p95(times: Times) -> float:
    return float(np.quantile(times.wall, 0.95))


if __name__ == "__main__":
    script(read_pool)
