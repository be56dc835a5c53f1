"""A subset file as DataComp's resharder takes it: one sorted .npy array of 128-bit uids.

dtype "u8,u8" (fields f0, f1): the high and the low 64 bits of the 32 hex digits, in lexicographic order; each uid once,
because the resharder writes a pair as often as its uid stands in the file
(https://github.com/mlfoundations/webdataset-resharder).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import files
from curation.errors import BadArgument, UnreadableFile
from curation.matching import string_buffers
from curation.runs.export.format import Format, Task, Written

UID = np.dtype("u8,u8")
_FILE = "uids.npy"
_BUCKETS = 256
_READ_ROWS = 2**16
_NO_DIGIT = 255
_DIGIT = np.full(256, _NO_DIGIT, np.uint8)
_DIGIT[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)


def uids_to_array(uid: pa.StringArray) -> np.ndarray:
    """(N,) uids of 32 lower-case hex digits as a structured array of dtype "u8,u8".

    raises BadArgument for any other uid

    >>> uids_to_array(pa.array(["0000000000000001000000000000000a"])).tolist()
    [(1, 10)]
    """
    long = pc.not_equal(pc.binary_length(uid), 32)
    if pc.any(long).as_py():
        _refuse(uid.filter(long)[0].as_py())
    data, offsets = string_buffers(uid)
    digits = _DIGIT[data[offsets[0] : offsets[-1]]].reshape(-1, 32)
    if (bad := (digits == _NO_DIGIT).any(axis=1)).any():
        _refuse(uid[int(np.argmax(bad))].as_py())
    packed = (digits[:, 0::2] << 4 | digits[:, 1::2]).astype(np.uint8)
    halves = np.ascontiguousarray(packed).view(">u8").astype(np.uint64)  # (N, 2)
    return np.ascontiguousarray(halves).view(UID).reshape(-1)


def array_to_uids(array: np.ndarray) -> pa.StringArray:
    """The inverse of `uids_to_array`."""
    return pa.array([f"{high:016x}{low:016x}" for high, low in array.tolist()], pa.string())


def _refuse(uid: str) -> None:
    raise BadArgument(
        f"uid {uid[:80]!r}: a uid file holds uids of 32 lower-case hexadecimal digits; choose another --format"
    )


def _write(folder: Path, pairs: Iterator[pa.RecordBatch], task: Task) -> Written:
    """Sorted bucket by bucket, by the first byte, so that memory holds a 256th of the uids."""
    buckets = [folder / f"bucket-{number:03d}" for number in range(_BUCKETS)]
    written = 0
    with ExitStack() as open_files:
        out = [open_files.enter_context(path.open("wb")) for path in buckets]
        for batch in pairs:
            uids = uids_to_array(batch["uid"])
            bucket = uids["f0"] >> np.uint64(56)
            for number in np.unique(bucket).tolist():
                out[number].write(uids[bucket == number].tobytes())
            written += len(uids)
    distinct = 0
    for path in buckets:
        unique = np.unique(np.fromfile(path, UID))
        path.write_bytes(unique.tobytes())
        distinct += unique.size
    with files.whole(folder / _FILE) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": np.lib.format.dtype_to_descr(UID), "fortran_order": False, "shape": (distinct,)}
        )
        for path in buckets:
            file.write(path.read_bytes())
            path.unlink()
    return Written({_FILE: distinct}, Counter({"uid stands there already": written - distinct}))


def _read(folder: Path, paths: Sequence[str], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for path in paths:
        try:
            array = np.load(folder / path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise UnreadableFile(f"{folder / path}: {str(error).splitlines()[0]}") from None
        if array.dtype != UID or array.ndim != 1:
            raise UnreadableFile(f"{folder / path}: an array of {array.dtype}, not of 128-bit uids (u8,u8)")
        last = array[:0]
        for first in range(0, array.size, _READ_ROWS):
            part = np.array(array[first : first + _READ_ROWS])
            with_last = np.concatenate([last, part])
            if (np.sort(with_last) != with_last).any():
                raise UnreadableFile(f"{folder / path}: not sorted near row {first}")
            yield pa.RecordBatch.from_arrays([array_to_uids(part)], ["uid"])
            last = part[-1:]


UIDS = Format(name="uids", columns=("uid",), write=_write, read=_read, distinct=True)
