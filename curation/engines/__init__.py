"""Engines: where work runs. They know nothing of captions."""

from curation.engines.engine import Engine, Node, Status, Trouble, UnderWay
from curation.engines.unit import Cancelled, Unit, UnitsFailed

__all__ = ["Cancelled", "Engine", "Node", "Status", "Trouble", "UnderWay", "Unit", "UnitsFailed"]
