"""A uid for pairs that bring none."""

import hashlib

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
    return pa.array(map(_uid, text.to_pylist(), url.to_pylist(), image.to_pylist()), pa.string())


def _uid(text: str, url: str | None, image: object) -> str:
    if url is not None:
        source = b"url" + url.encode()
    elif isinstance(image, bytes):
        source = b"img" + hashlib.blake2b(image, digest_size=16).digest()
    else:
        source = b""
    return hashlib.blake2b(len(source).to_bytes(8, "little") + source + text.encode(), digest_size=16).hexdigest()
