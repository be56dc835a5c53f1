"""Weights by name, as `open_clip.list_pretrained()` lists them: from the cache of the hub, or over the network."""

import os
import socket
from typing import Any
from urllib.parse import urlsplit

import open_clip
from huggingface_hub import constants, try_to_load_from_cache
from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME
from open_clip.pretrained import download_pretrained, get_pretrained_cfg

from curation.errors import BadArgument, MissingFile

PATIENCE_S = 3.0
"""So long an unreachable host is waited for; the hub's own client tries for 45 s."""


def known_weights(name: str, tag: str) -> dict[str, Any]:
    """What open_clip knows of weights: where they are, and the activation and preprocessing they need.

    raises BadArgument
    """
    found = get_pretrained_cfg(name, tag)
    if not found:
        tags = ", ".join(known for model, known in open_clip.list_pretrained() if model == name)
        raise BadArgument(f"{name}/{tag}: open_clip knows no such weights of {name}; it knows {tags or 'none'}")
    return dict(found)


def weights_file(where: dict[str, Any]) -> str:
    """The path of weights that open_clip knows, downloaded if need be; raises MissingFile."""
    repository, _, file = where.get("hf_hub", "").rpartition("/")
    for candidate in (file,) if file else (HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME):
        cached = try_to_load_from_cache(repository, candidate) if repository else None
        if isinstance(cached, str):
            return cached
    address = constants.ENDPOINT if repository else where.get("url", "")
    if not _reachable(address):
        raise MissingFile(
            f"{repository or address}: not in the cache of this machine, and {urlsplit(address).hostname} cannot be"
            " reached from here; download it elsewhere and give the path of the file"
        )
    try:
        return str(download_pretrained(where))
    except Exception as error:  # the network and the hub raise whatever they meet
        raise MissingFile(f"{repository or address}: cannot be downloaded ({str(error).splitlines()[0]})") from None


def _reachable(address: str) -> bool:
    """Whether a connection can be opened; behind a proxy that is not ours to say."""
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return True
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 443), PATIENCE_S).close()
    except OSError:
        return False
    return True
