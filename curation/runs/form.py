"""The form that a JSON file must have before anything is taken out of it: such files may be damaged, or anybody's."""

import math
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

Form = Any
"""A type, or several in a tuple; a function that says whether a value fits; [form] for a list of such; {name: form} for
an object with these names, where a name with "?" at its end may be missing or null."""


def misfit(value: Any, form: Form, at: str = "") -> str | None:
    """Where a value has not the form; None if it has.

    >>> misfit({"files": [{"rows": "7"}]}, {"files": [{"rows": int}]})
    'files[0].rows'
    """
    if isinstance(form, dict):
        return _misfit_of_object(value, form, at)
    if isinstance(form, list):
        if not isinstance(value, list):
            return at
        found = (misfit(item, form[0], f"{at}[{number}]") for number, item in enumerate(value))
        return next((place for place in found if place is not None), None)
    fits = isinstance(value, form) if isinstance(form, type | tuple) else form(value)
    return None if fits and not (isinstance(value, bool) and form is int) else at


def _misfit_of_object(value: Any, form: dict[str, Form], at: str) -> str | None:
    if not isinstance(value, dict):
        return at
    for name, inner in form.items():
        place = f"{at}.{name}".strip(".").removesuffix("?")
        found = value.get(name.removesuffix("?"))
        if found is None and name.endswith("?"):
            continue
        if (wrong := misfit(found, inner, place)) is not None:
            return wrong
    return None


def count(value: Any) -> bool:
    """Whether it is a number of things."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def number(value: Any) -> bool:
    """Whether it is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def name_inside(value: Any) -> bool:
    """Whether it names a file in a folder or below, and leads nowhere else."""
    if not isinstance(value, str) or not value or "\0" in value or not value.isprintable():
        return False
    path = PurePosixPath(value)
    return not path.is_absolute() and ".." not in path.parts


def one_of(*values: str) -> Callable[[Any], bool]:
    """A form: one of a few words."""
    return lambda value: isinstance(value, str) and value in values


POOL_FILE = {
    "path": str, "format": str, "bytes": count, "rows?": count, "rows_in_group": [count], "digest": str,
}  # fmt: skip
STEP = {"step": str, "in?": count, "out": count, "dropped": dict}
FILE = {"path": name_inside, "rows": count, "bytes": count, "sha256": str}
"""A file of a pool, a step of a funnel, and a file of an export, as they stand in JSON."""
