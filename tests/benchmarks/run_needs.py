"""What a run needs whatever it runs on: core-hours, memory, disk, and bytes that go to and fro."""

from cluster_simulation import Driver
from cost_model import Figures, Job, Phase, cpu_s, moved_mb

from curation.rare import PLACE


def needs(job: Job, driver: Driver) -> dict[str, float]:
    """What a run takes whatever it runs on: core hours, MB, and GB moved and kept."""
    phases, sizes = job.phases(), job.figures["sizes"]
    read, written = moved_mb(phases)
    parts = [phase for phase in phases if phase.name in ("curves", "curve sums")]
    keys = job.figures["compare"]["keys_bytes_per_pair"]
    at_curves = job.array_mb + job.part_mb(job.pairs)  # the array, and a part while it is read or written
    places = sizes["rare_places_per_pair"] * PLACE.itemsize * job.pairs / 1e9
    return {
        "core_hours": cpu_s(phases) / 3600,
        "units": job.units,
        "read_gb": read / 1e3,
        "written_gb": written / 1e3,
        "pool_gb": sizes["pool_bytes_per_pair"] * job.pairs / 1e9,
        "run_gb": sizes["pairs_bytes_per_pair"] * job.pairs / 1e9 + places + job.array_mb / 1e3,
        "rare_places_gb": places,
        "work_gb": (
            sum(one.units * one.cost.written_mb for one in parts) + job.units * sizes["counts_bytes_per_unit"] / 1e6
        )
        / 1e3,
        "largest_part_mb": job.part_mb(job.pairs),
        "shared_arrays_mb": job.shared_mb,
        "worker_mb": _most_private(job.figures, "balance"),
        "worker_of_curves_mb": _most_private(job.figures, "match") + at_curves,
        "driver_mb": _most_private(job.figures, "match", "driver") + at_curves,
        "env_mb": sizes["env_mb"] + sizes["env_bytes_per_file"] * job.n_files / 1e6,
        "driver_feeds_cores": _fed(phases, driver),
        "driver_hours": 2 * job.units * (driver.unit_s + driver.per_done_s * job.units / 2) / 3600,
        "rare_hours": sum(phase.cost.cpu_s for phase in phases if phase.name == "rare places") / 3600,
        "serial_hours": sum(phase.cost.cpu_s for phase in phases if not phase.units) / 3600,
        "compare_hours": job.figures["compare"]["cpu_s_per_million"] * job.pairs / 1e6 / 3600,
        "compare_gb": keys * job.pairs / 1e9,
        "most_frequent_billions": sizes["most_frequent_share"] * job.pairs / 1e9,
    }


def _fed(phases: list[Phase], driver: Driver) -> float:
    """So many cores a driver keeps busy with units of the shorter pass, while few are done."""
    return min(phase.cost.cpu_s for phase in phases if phase.name in ("match", "balance")) / driver.unit_s


def _most_private(figures: Figures, phase: str, who: str = "worker") -> float:
    # a run may be through with a phase before anyone looks
    of_phases = figures["memory_mb"]
    return max((of_phases.get(phase) or next(iter(of_phases.values())))[who]["private"], 0.0)
