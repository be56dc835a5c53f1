"""The fields of configurations: each carries its default, help and limits; forms and commands are made from them."""

import sys
from dataclasses import field, fields
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
