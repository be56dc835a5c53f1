"""A uid for pairs that bring none."""

import hashlib
from collections.abc import Iterable

import pyarrow as pa


def pair_uids(text: pa.Array, url: pa.Array, image: pa.Array) -> pa.Array:
    """128-bit BLAKE2b, in hex, of (url, or else the digest of the image bytes, or else nothing; text).

    Each part goes in with its length before it, so that no two pairs of parts run together. Equal pairs get equal uids,
    and so share one fate: where a pool has no url and no image, that holds for all pairs with the same text.

    text, url: (N,) string; image: (N,) binary; any may be null
    returns    (N,) string of 32 hex digits

    >>> pair_uids(pa.array(["a dog"]), pa.array(["http://x/1.jpg"]), pa.nulls(1)).to_pylist()
    ['b5ad43340af5561cd71e118302fa5260']
    """
    digests = (image_digest([data]) if isinstance(data, bytes) else None for data in image.to_pylist())
    return pa.array(map(pair_uid, text.to_pylist(), url.to_pylist(), digests), pa.string())


def pair_uid(text: str, url: str | None, image: bytes | None) -> str:
    """As `pair_uids` for one pair; `image` is the digest of its image."""
    if url is not None:
        source = b"url" + url.encode()
    elif image is not None:
        source = b"img" + image
    else:
        source = b""
    return hashlib.blake2b(len(source).to_bytes(8, "little") + source + text.encode(), digest_size=16).hexdigest()


def image_digest(parts: Iterable[bytes]) -> bytes:
    """128-bit BLAKE2b of an image's bytes, which may come in parts."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.digest()
