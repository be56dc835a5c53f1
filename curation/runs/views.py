"""Saved views: what the address bar holds, under a name.

Each is a file of its own in the workspace, so that two people who save at once do not get in each other's way.
"""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from curation import files
from curation.errors import BadArgument, CurationError
from curation.runs.workspace import workspace

LONGEST_NAME = 200
MOST_CHARACTERS = 8000
"""Of the parameters: a longer address is cut by some browsers."""


@dataclass(frozen=True, kw_only=True)
class View:
    """A saved view.

    id: of its file; page: the last part of the page's address; params: what follows that; created: UTC
    """

    id: str
    name: str
    page: str
    params: dict[str, str]
    created: str


def save_view(name: str, page: str, params: Mapping[str, str]) -> View:
    """Save a view; names need not differ.

    raises BadArgument without a name, and for a name or parameters that are too long
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise BadArgument(f"a view needs a name of 1 to {LONGEST_NAME} characters, this has {len(name)}")
    if (length := sum(len(key) + len(value) for key, value in params.items())) > MOST_CHARACTERS:
        raise BadArgument(f"this view has {length:,} characters in its address, more than {MOST_CHARACTERS:,}")
    created = datetime.now(UTC).isoformat(timespec="seconds")
    view = View(id=secrets.token_hex(8), name=name, page=page, params=dict(params), created=created)
    files.write_json(_folder() / f"{view.id}.json", asdict(view))
    return view


def list_views() -> list[View]:
    """The saved views of the workspace, by name; files that hold none are passed over."""
    found = []
    for path in _folder().glob("*.json"):
        with suppress(CurationError, TypeError):
            view = _view(files.read_json(path))
            if view.id == path.stem:
                found.append(view)
    return sorted(found, key=lambda view: (view.name.casefold(), view.created, view.id))


def remove_view(view: View) -> None:
    """Remove a saved view; harmless where somebody else did."""
    (_folder() / f"{view.id}.json").unlink(missing_ok=True)


def _view(found: Any) -> View:
    view = View(**found)
    words = [view.id, view.name, view.page, view.created, *view.params.keys(), *view.params.values()]
    if not all(isinstance(word, str) for word in words):
        raise TypeError("not a view")
    return view


def _folder() -> Path:
    return workspace() / "views"
