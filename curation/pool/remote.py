"""Files of a pool behind an address: s3:// above all, and whatever else Arrow or fsspec knows."""

import os
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pyarrow as pa
from pyarrow.fs import (
    AwsStandardS3RetryStrategy,
    FileInfo,
    FileSelector,
    FileSystem,
    FileType,
    S3FileSystem,
    resolve_s3_region,
)

from curation.errors import BadArgument, MissingFile, UnreadableFile

ATTEMPTS = 5
"""So often a request is tried, with growing pauses.

Arrow itself, given an address, tries 31 times with pauses of 0.2 s: a server that hangs holds it for 31 times the 3 s
that a request may take, and one that is overloaded gets no rest.
"""

S3_OPTIONS = {
    "region": r"[a-z0-9-]+",
    "scheme": r"https?",
    "endpoint_override": r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?",
}
"""What may stand behind the ? of an s3:// address, and the pattern of each."""

_SET_BY_ENVIRONMENT = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
"""Who sets one of these need not be asked by a request to AWS where a bucket lies."""

_SECRET = re.compile("secret|token|password|passwd|key|credential|sig", re.IGNORECASE)

_KEY_WANTED = "access denied; give a key that may read there in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_WORDS = {
    "ACCESS_DENIED": _KEY_WANTED,
    "EXPIRED_TOKEN": _KEY_WANTED,
    "INVALID_ACCESS_KEY_ID": _KEY_WANTED,
    "INVALID_CLIENT_TOKEN_ID": _KEY_WANTED,
    "MISSING_AUTHENTICATION_TOKEN": _KEY_WANTED,
    "SIGNATURE_DOES_NOT_MATCH": _KEY_WANTED,
    "NO_SUCH_KEY": "it is not there any more",
    "NO_SUCH_BUCKET": "there is no such bucket",
    "NETWORK_CONNECTION": "the server does not answer; is the address right, and the server up?",
    "SERVICE_UNAVAILABLE": "the server is overloaded; try later",
    "SLOW_DOWN": "the server is overloaded; try later",
}
"""What the names of errors of AWS's library mean for who reads a pool."""

Answer = TypeVar("Answer")


def check_address(uri: str) -> None:
    """BadArgument for an address with a secret in it, or with what S3 does not understand; no request is made.

    Neither is repeated, for what is not understood may be a secret too.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:  # from brackets that are no IPv6 address
        raise BadArgument("an address with a bracket in the name of its host: such as s3://BUCKET/PATH") from None
    options = parse_qsl(parts.query, keep_blank_values=True)
    if "@" in parts.netloc or any(_SECRET.search(name) for name, _ in options):
        raise BadArgument(
            "an address with a key or a password in it would stand in the run; give it by the environment instead"
        )
    if parts.scheme != "s3":
        return
    if not re.fullmatch(r"[A-Za-z0-9._-]+", parts.netloc) or parts.fragment:
        raise BadArgument(
            "an address on S3 is s3://BUCKET/PATH, a server ?endpoint_override=HOST:PORT, # in a name %23"
        )
    if not all(re.fullmatch(S3_OPTIONS.get(name, "(?!)"), value) for name, value in options):
        raise BadArgument(
            f"s3://{parts.netloc}{parts.path}: what stands behind the ? is not understood; allowed are region=NAME,"
            " scheme=http, endpoint_override=HOST:PORT, with & between them"
        )


def filesystem(uri: str) -> tuple[FileSystem, str]:
    """The filesystem of a URI and the path in it.

    raises BadArgument for one that Arrow and fsspec do not know, or with what should not stand in a run
    """
    check_address(uri)
    if uri.startswith("s3://"):
        return _s3(uri)
    try:
        return FileSystem.from_uri(uri)
    except (pa.ArrowException, OSError, ValueError, ImportError) as error:
        raise BadArgument(
            f"{uri}: no filesystem for this ({_first_line(error)}); such as s3://, gs://, hf://"
        ) from None


def find_parquet(uri: str) -> list[str]:
    """The URIs of the Parquet files behind one: itself, or all in the folder that it names, in order of their names.

    As in a folder of this machine, what begins with . or _ is passed over.

    raises MissingFile, UnreadableFile, BadArgument
    """
    remote, path = filesystem(uri)
    info = _asked(uri, lambda: remote.get_file_info(path))
    inside = [info]
    if info.type == FileType.Directory:
        inside = _asked(uri, lambda: remote.get_file_info(FileSelector(path, recursive=True)))
    found = [each.path for each in inside if each.type == FileType.File and (each.path == path or _in_pool(each, path))]
    if not found:
        raise MissingFile(f"{uri}: {_why_nothing(uri, remote, path)}")
    return [_uri_of(name, uri, path) for name in sorted(found, key=lambda name: name.split("/"))]


def size(uri: str) -> int:
    """Bytes of a file; raises UnreadableFile if it is not there any more."""
    remote, path = filesystem(uri)
    info = _asked(uri, lambda: remote.get_file_info(path))
    if info.type != FileType.File:
        raise UnreadableFile(f"{uri}: is not there any more; put it back, or start a new run")
    return int(info.size or 0)


def open_bytes(uri: str) -> Any:
    """A file to read and seek in; raises UnreadableFile."""
    remote, path = filesystem(uri)
    return _asked(uri, lambda: remote.open_input_file(path))


def failure(place: object, error: BaseException, otherwise: str) -> UnreadableFile:
    """What to raise for an error while a file was read: `otherwise`, unless it is the server that is to blame."""
    if isinstance(error, FileNotFoundError):
        return UnreadableFile(f"{place}: is not there any more; put it back, or start a new run")
    if (of_aws := re.search(r"AWS Error (\w+)( \(HTTP status (\d+)\))?", str(error))) is None:
        return UnreadableFile(f"{place}: {otherwise} ({_first_line(error)})")
    name = "SERVICE_UNAVAILABLE" if of_aws[3] in ("429", "503") else of_aws[1]
    return UnreadableFile(f"{place}: cannot be read: {_WORDS.get(name, _first_line(error))}")


def _asked(uri: str, ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except (pa.ArrowException, OSError) as error:
        raise failure(uri, error, "cannot be read") from None


def _s3(uri: str) -> tuple[FileSystem, str]:
    parts = urlsplit(uri)
    options = dict(parse_qsl(parts.query))
    found = _asked(uri, lambda: _s3_filesystem(parts.netloc, **options))
    return found, f"{parts.netloc}/{unquote(parts.path).strip('/')}".rstrip("/")


@lru_cache(maxsize=16)
def _s3_filesystem(
    bucket: str, region: str | None = None, scheme: str | None = None, endpoint_override: str | None = None
) -> S3FileSystem:
    """One for all files of a bucket, for finding out its region takes a request."""
    elsewhere = endpoint_override or any(name in os.environ for name in _SET_BY_ENVIRONMENT)
    return S3FileSystem(
        region=region if region or elsewhere else resolve_s3_region(bucket),
        scheme=scheme,
        endpoint_override=endpoint_override,
        retry_strategy=AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
    )


def _in_pool(info: FileInfo, folder: str) -> bool:
    inside = PurePosixPath(info.path).relative_to(folder).parts
    return info.path.lower().endswith(".parquet") and not any(part.startswith((".", "_")) for part in inside)


def _why_nothing(uri: str, remote: FileSystem, path: str) -> str:
    bucket = path.split("/")[0]
    if (
        isinstance(remote, S3FileSystem)
        and _asked(uri, lambda: remote.get_file_info(bucket)).type != FileType.Directory
    ):
        return f"there is no bucket {bucket!r}"
    if set("*[") & set(path):
        return "no such file; patterns are not looked up there: give a folder, or each file"
    return "no such file, or a folder without a Parquet file"


def _uri_of(name: str, uri: str, path: str) -> str:
    """The URI of a file that was found in the folder of another."""
    if uri.startswith("s3://"):
        _, mark, options = uri.partition("?")
        return f"s3://{quote(name)}{mark}{options}"
    before, _, after = uri.partition(path)
    return f"{before}{name}{after}"


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:200] or type(error).__name__
