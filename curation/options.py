"""What users give: fields of configurations, each with its default, help and limits, and the names of files."""

import sys
from dataclasses import field, fields
from pathlib import Path
from typing import Any

from curation.errors import BadArgument


def option(default: Any, help: str, **limits: Any) -> Any:
    """A field of a configuration: min, max or choices are checked, help is shown."""
    return field(default=default, metadata={"help": help, **limits})


def check_options(config: Any) -> None:
    """BadArgument for a value outside the limits that its field names; None is always allowed."""
    for setting in fields(config):
        value, limits, name = getattr(config, setting.name), setting.metadata, setting.name.replace("_", " ")
        if value not in limits.get("choices", (value,)):
            raise BadArgument(f"{name} {value!r}: give one of {', '.join(limits['choices'])}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if not limits["min"] <= value <= limits.get("max", sys.float_info.max):
            allowed = f"from {limits['min']:g}" + (f" to {limits['max']:g}" if "max" in limits else " up")
            raise BadArgument(f"{name} {value:g}: give a number {allowed}")


def check_path(path: Path | str) -> None:
    """BadArgument for a path with bytes that are no UTF-8: no JSON file can hold it, and Arrow opens no such file."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = str(path).encode(errors="backslashreplace").decode()
        raise BadArgument(f"{shown}: this name is not UTF-8; rename the file, or the folder that it is in") from None
