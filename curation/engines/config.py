"""Which engine does the work of a run. Any can go on with what another began."""

from dataclasses import dataclass
from typing import Literal

from curation.engines.engine import Engine
from curation.engines.ray_connection import host_and_port
from curation.errors import BadArgument
from curation.options import check_options, option


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """Where units of work run."""

    engine: Literal["local", "ray"] = option(
        "local", "where units of work run: on this machine, or on a Ray cluster", choices=("local", "ray")
    )
    address: str | None = option(
        None, "HOST:PORT of the head of the Ray cluster; the command runs on a machine of that cluster"
    )
    workers: int = option(0, "how many units of work at a time; 0: as many as there are cores", min=0)

    def __post_init__(self) -> None:
        check_options(self)
        if self.engine == "ray" and not self.address:
            raise BadArgument("engine ray: name the head of the cluster with --address HOST:PORT (docs/cluster.md)")
        if self.engine == "local" and self.address:
            raise BadArgument(f"address {self.address}: only for a cluster; give --engine ray with it")
        if self.address:
            host_and_port(self.address)


def open_engine(config: EngineConfig) -> Engine:
    """The engine, to be used as a context."""
    if config.engine == "ray":
        from curation.engines.ray import RayEngine

        assert config.address is not None
        return RayEngine(config.address, config.workers)
    from curation.engines.local import LocalEngine

    return LocalEngine(config.workers)
