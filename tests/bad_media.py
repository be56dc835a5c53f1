"""Images, checkpoints and metadata that are known to do harm, and good ones to be mutated."""

# ruff: noqa: E501  # tables of data read better with what belongs together on a line

import io
import json
import os
import pickle
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, PngImagePlugin

from bad_inputs import BadInput

CANARY = "/tmp/headtail-canary"
"""A file that is there after a checkpoint executed something."""

IMAGE, CHECKPOINT, METADATA = "image", "checkpoint", "metadata"


def picture(kind: str, mode: str = "RGB", size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    out = io.BytesIO()
    gradient = Image.linear_gradient("L").resize(size)
    gradient.convert("RGB").convert(mode).save(out, kind, **options)
    return out.getvalue()


def good(what: str, file: str, data: Callable[[], bytes]) -> BadInput:
    return BadInput("good", file, data, what, rows=1)


GOOD_IMAGES = [
    good(IMAGE, "a.jpg", lambda: picture("JPEG")),
    good(IMAGE, "progressive.jpg", lambda: picture("JPEG", progressive=True)),
    good(IMAGE, "cmyk.jpg", lambda: picture("JPEG", "CMYK")),
    good(IMAGE, "a.png", lambda: picture("PNG")),
    good(IMAGE, "p.png", lambda: picture("PNG", "P")),
    good(IMAGE, "a.webp", lambda: picture("WEBP")),
    good(IMAGE, "lossless.webp", lambda: picture("WEBP", lossless=True)),
    good(IMAGE, "a.gif", lambda: picture("GIF")),
]


def weights() -> dict[str, Any]:
    import torch

    return {"visual.proj": torch.linspace(-1, 1, 256).reshape(16, 16), "logit_scale": torch.tensor(4.6)}


def torch_file(value: Any = None, **options: Any) -> bytes:
    import torch

    out = io.BytesIO()
    torch.save(weights() if value is None else value, out, **options)
    return out.getvalue()


def safetensors_file(tensors: dict[str, Any] | None = None) -> bytes:
    from safetensors.torch import save

    return save(weights() if tensors is None else tensors)


GOOD_CHECKPOINTS = [
    good(CHECKPOINT, "a.safetensors", safetensors_file),
    good(CHECKPOINT, "a.pt", torch_file),
    good(CHECKPOINT, "legacy.bin", lambda: torch_file(_use_new_zipfile_serialization=False)),
]

ENTRIES = ["dog", "hot dog", "cat", "U.S.", "Füße", "日本"]


def entries_table(**columns: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns or {"entry": ENTRIES}), out)
    return out.getvalue()


GOOD_METADATA = [
    good(METADATA, "a.json", lambda: json.dumps(ENTRIES).encode()),
    good(METADATA, "a.txt", lambda: "\n".join(ENTRIES).encode()),
    good(METADATA, "a.parquet", entries_table),
]


def named_media() -> Iterator[BadInput]:
    """What is known to do harm."""
    yield from _images()
    yield from _checkpoints()
    yield from _metadata()


def png(
    width: int, height: int, rows: int = 0, depth: int = 8, colour: int = 2, extra: tuple[bytes, ...] = ()
) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    compress = zlib.compressobj(9)
    line = b"\0" * (1 + width * 3 * depth // 8)
    pixels = b"".join([*(compress.compress(line) for _ in range(rows)), compress.flush()])
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + b"".join(chunk(b"tEXt", data) for data in extra)
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


def _images() -> Iterator[BadInput]:
    image = partial(BadInput, what=IMAGE, rows=1)
    for orientation in range(10):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield image(f"EXIF orientation {orientation}", "o.jpg", lambda exif=exif: picture("JPEG", exif=exif.tobytes()))
    for name, mode in {"one bit": "1", "grey": "L", "alpha": "RGBA", "grey and alpha": "LA", "16 bits": "I;16"}.items():
        made = Image.linear_gradient("L").convert(mode) if mode != "I;16" else Image.new("I;16", (30, 20), 40000)
        out = io.BytesIO()
        made.save(out, "PNG")
        yield image(name, "m.png", lambda out=out: out.getvalue())
    for kind in (
        "EPS",
        "TIFF",
        "BMP",
        "ICO",
        "PPM",
        "PDF",
        "TGA",
        "SGI",
        "PCX",
        "JPEG2000",
        "MSP",
        "XBM",
        "DIB",
        "DDS",
    ):
        mode = "1" if kind in ("MSP", "XBM") else "RGB"
        yield image(f"a {kind} by another name", "k.jpg", lambda kind=kind, mode=mode: picture(kind, mode))
    for name, data in {
        "nothing": b"", "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n(/tmp/x) (w) file\n", "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>", "HTML": b"<html><script>alert(1)</script>",
        "JPEG start": b"\xff\xd8\xff", "PNG start": b"\x89PNG\r\n\x1a\n", "GIF start": b"GIF89a", "WEBP start": b"RIFF\xff\xff\xff\xffWEBPVP8 ", "zeros": b"\0" * 10_000, "gzip": b"\x1f\x8b\x08", "JPEG of fills": b"\xff\xd8" + b"\xff" * 100_000,
        "AVIF": b"\0\0\0\x1cftypavif" + b"\0" * 100, "FLI": b"\0" * 4 + b"\x12\xaf" + b"\xff" * 200, "PSD": b"8BPS\0\1" + b"\xff" * 50,
    }.items():  # fmt: skip
        yield image(name, "n.jpg", lambda data=data: data)
    sizes = (
        (0, 0),
        (1, 0),
        (0, 1),
        (1, 1),
        (2**31 - 1, 1),
        (2**31 - 1, 2**31 - 1),
        (30_001, 1),
        (1, 30_001),
        (7071, 7072),
        (13_000, 13_000),
        (65_535, 65_535),
    )
    for width, height in sizes:
        yield image(f"PNG of {width} x {height}, no pixels", "s.png", lambda size=(width, height): png(*size))
        gif = (
            b"GIF89a"
            + struct.pack("<HHBBB", width & 0xFFFF, height & 0xFFFF, 0, 0, 0)
            + b",\0\0\0\0"
            + struct.pack("<HHB", width & 0xFFFF, height & 0xFFFF, 0)
            + b"\x02\x00;"
        )
        yield image(f"GIF of {width} x {height}", "s.gif", lambda gif=gif: gif)
    yield image("169 million pixels", "b.png", lambda: png(13_000, 13_000, rows=13_000), slow=True)
    yield image("50 million pixels", "b.png", lambda: png(7071, 7071, rows=7071), slow=True)
    yield image("50 million pixels of 16 bits", "b.png", lambda: png(7071, 7071, rows=7071, depth=16), slow=True)
    yield image("a JPEG of 64,000 x 700", "b.jpg", lambda: picture("JPEG", size=(64_000, 700)), slow=True)
    for name, data in {
        "text of 10 MB": b"c\0" + b"x" * 10_000_000,
        "text without a key": b"\0" * 100,
        "text": b"Comment\0a",
    }.items():
        yield image(f"PNG with {name}", "t.png", lambda data=data: png(2, 2, 2, extra=(data,)))
    yield image("PNG with 5,000 texts", "t.png", lambda: png(2, 2, 2, extra=(b"k\0v",) * 5000))
    bomb = PngImagePlugin.PngInfo()
    bomb.add_text("k", "x" * 50_000_000, zip=True)
    yield image("PNG with a text of 50 MB in zlib", "t.png", lambda: picture("PNG", pnginfo=bomb), slow=True)
    for name, kind in {"GIF": "GIF", "WEBP": "WEBP", "APNG": "PNG"}.items():
        frames = [Image.new("RGB", (60, 60), (n % 256, 0, 0)) for n in range(500)]
        yield image(
            f"{name} of 500 frames", "f.img", lambda kind=kind, frames=frames: _animated(kind, frames), slow=True
        )
    for name, exif in {
        "garbage": b"Exif\0\0" + b"\xff" * 500,
        "circle": b"Exif\0\0MM\0*\0\0\0\x08\0\1\x87i\0\4\0\0\0\1\0\0\0\x08\0\0\0\x08",
        "count": b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\xff\1\0\0\0",
    }.items():
        yield image(f"EXIF of {name}", "e.jpg", lambda exif=exif: picture("JPEG", exif=exif))
    yield image("ICC of garbage", "i.jpg", lambda: picture("JPEG", icc_profile=b"\xff" * 3000))
    yield image("XMP of 1 MB", "x.webp", lambda: picture("WEBP", xmp=b"<x>" * 300_000))


def _animated(kind: str, frames: list[Image.Image]) -> bytes:
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:])
    return out.getvalue()


class Exploit:
    """What a pickle calls when it is opened."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call[0], self.call[1:]


def _checkpoints() -> Iterator[BadInput]:
    import torch

    checkpoint = partial(BadInput, what=CHECKPOINT)
    touch = f"touch {CANARY}"
    exploits = {
        "os.system": Exploit(os.system, touch), "exec": Exploit(exec, f"open({CANARY!r}, 'w')"), "eval": Exploit(eval, f"open({CANARY!r}, 'w')"), "open": Exploit(open, CANARY, "w"),
        "torch.load": Exploit(torch.load, CANARY), "apply": Exploit(map, eval, ["1"]), "import": Exploit(__import__, "os"), "hub": Exploit(torch.hub.load, "a/b", "c"),
    }  # fmt: skip
    for name, exploit in exploits.items():
        yield checkpoint(f"pickle of {name}", "e.pt", lambda exploit=exploit: torch_file({"w": exploit}), rows=1)
        yield checkpoint(f"bare pickle of {name}", "e.bin", lambda exploit=exploit: pickle.dumps(exploit), rows=1)
        yield checkpoint(
            f"state of {name}",
            "e.pth",
            lambda exploit=exploit: torch_file({"state_dict": weights(), "x": exploit}),
            rows=1,
        )
    for name, value in {
        "a list": [1, 2], "a tensor": torch.ones(3), "nothing in it": {}, "numbers for names": {1: torch.ones(3)}, "texts": {"a": "b"}, "not finite": {"a": torch.tensor([1.0, float("nan")])}, "infinite": {"a": torch.tensor([float("inf")])},
        "expanded": {"a": torch.ones(1).expand(10**12)}, "sparse": {"a": torch.eye(3).to_sparse()}, "meta": {"a": torch.empty(10**12, device="meta")}, "complex": {"a": torch.ones(2, dtype=torch.complex64)}, "half": {"a": torch.ones(2, dtype=torch.bfloat16)}, "empty": {"a": torch.empty(0)},
        "in layers": {"state_dict": {"state_dict": weights()}},
    }.items():  # fmt: skip
        yield checkpoint(name, "v.pt", lambda value=value: torch_file(value), rows=1)

    def header(text: bytes, size: int | None = None, data: bytes = b"") -> bytes:
        return struct.pack("<Q", len(text) if size is None else size) + text + data

    def one(**fields: Any) -> bytes:
        return json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **fields}}).encode()

    for name, data in {
        "nothing": b"", "no header": b"\0" * 8, "size of 2**63": header(b"{}", 2**63), "size over the file": header(b"{}", 1000), "not JSON": header(b"not JSON"), "nested": header(b"[" * 100_000), "list": header(b"[]"), "no tensor": header(b"{}"), "huge shape": header(one(shape=[10**9, 10**9]), data=b"\0" * 4),
        "negative shape": header(one(shape=[-1]), data=b"\0" * 4), "offsets behind": header(one(data_offsets=[0, 4000]), data=b"\0" * 4), "offsets turned": header(one(data_offsets=[4, 0]), data=b"\0" * 4), "type": header(one(dtype="F99"), data=b"\0" * 4), "hole": header(one(), data=b"\0" * 400),
        "deep shape": header(one(shape=[1] * 10_000), data=b"\0" * 4), "not finite": header(one(), data=b"\0\0\xc0\x7f"), "metadata": header(b'{"__metadata__": {"a": 1}}'), "pickle": pickle.dumps([1]), "100,000 tensors": header(json.dumps({f"t{n}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for n in range(100_000)}).encode()),
    }.items():  # fmt: skip
        yield checkpoint(f"safetensors: {name}", "s.safetensors", lambda data=data: data, rows=1)
    yield checkpoint("good by another name", "n.pt", safetensors_file, rows=1)
    yield checkpoint(
        "half", "h.safetensors", lambda: safetensors_file({"a": torch.ones(3, dtype=torch.bfloat16)}), rows=1
    )
    yield checkpoint("a zip bomb", "z.pt", _zip_bomb, rows=1, slow=True)


def _zip_bomb() -> bytes:
    """A file of torch whose one storage is compressed: a few megabytes that become 3 GB."""
    import zipfile

    import torch

    small = torch_file({"a": torch.zeros(1)})
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(small)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if not name.endswith("data/0"):
                new.writestr(name, old.read(name))
                continue
            with new.open(name, "w", force_zip64=True) as storage:
                for _ in range(3000):
                    storage.write(bytes(10**6))
    return out.getvalue()


def _metadata() -> Iterator[BadInput]:
    metadata = partial(BadInput, what=METADATA)
    for name, data in {
        "nothing": b"", "empty list": b"[]", "empty object": b"{}", "number": b"7", "null": b"null", "texts and others": b'["dog", null, 1, true, ["a"], {"b": 1}, ""]', "counts": b'{"dog": 3, "cat": -1, "a": "x", "b": null, "c": 1e999, "d": 1.5, "e": true}',
        "nested": b"[" * 100_000, "surrogates": b'["\\ud83d", "dog"]', "bytes": b'["\xff"]', "NUL": b'["a\\u0000b", "dog"]', "mark": b'\xef\xbb\xbf["dog"]', "NaN": b"[NaN]", "twice": b'["dog", "dog", "dog "]', "blank": b'[" ", "\\t", "\\n"]', "entry of 1 MB": b'["' + b"x" * 10**6 + b'"]', "open": b'["dog"', "UTF-16": '["dog"]'.encode("utf-16"), "many digits": b'{"dog": ' + b"9" * 5000 + b"}",
    }.items():  # fmt: skip
        yield metadata(name, "m.json", lambda data=data: data)
    for name, data in {
        "nothing": b"",
        "blank lines": b"\n\n\n",
        "bytes": b"dog\n\xff\n",
        "NUL": b"a\0b\n",
        "carriage returns": b"dog\r\ncat\r\n",
        "separator": "a\u2028b\n".encode(),
        "UTF-16": "dog\n".encode("utf-16"),
        "long": b"x" * 2_000_000,
        "zeros": b"\0" * 5000,
    }.items():
        yield metadata(name, "m.txt", lambda data=data: data)
    tables: dict[str, dict[str, Any]] = {
        "no entry": {"a": ["b"]}, "nulls": {"entry": [None, "dog"]}, "numbers": {"entry": [1, 2]}, "lists": {"entry": [["a"]]}, "bytes": {"entry": [b"\xff", b"dog"]}, "bad strings": {"entry": pa.array([b"\xff", b"dog"]).view(pa.string())}, "no rows": {"entry": pa.array([], pa.string())},
        "languages": {"entry": ["dog", "Hund"], "language": ["en", "de"]}, "no such language": {"entry": ["dog"], "language": ["???"]}, "null languages": {"entry": ["dog"], "language": pa.nulls(1, pa.string())}, "number languages": {"entry": ["dog"], "language": [1]}, "list languages": {"entry": ["dog"], "language": [["en"]]},
        "null sources": {"entry": ["dog"], "source": pa.nulls(1, pa.string())}, "number sources": {"entry": ["dog"], "source": [7]}, "dictionary": {"entry": pa.array(["dog", "cat"]).dictionary_encode()}, "structs": {"entry": [{"a": 1}]}, "bad languages": {"entry": ["dog"], "language": pa.array([b"\xff"]).view(pa.string())},
    }  # fmt: skip
    for name, columns in tables.items():
        yield metadata(name, "m.parquet", lambda columns=columns: entries_table(**columns))
