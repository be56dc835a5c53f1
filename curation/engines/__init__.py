"""Engines: where work runs. They know nothing of captions."""

from curation.engines.unit import Cancelled, Unit

__all__ = ["Cancelled", "Unit"]
