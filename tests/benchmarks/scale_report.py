"""docs/scale.md from the recorded lines of unit_costs, simulate_cluster and two_engines, the newest of each.

The words around the tables stand in scale.template.md.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import ROOT
from report import Line, recorded, table

TEMPLATE = Path(__file__).with_name("scale.template.md")
PAGE = ROOT / "docs" / "scale.md"
NOTHING = "Nothing is recorded yet.\n"
COMMANDS = {
    "unit_costs": "python tests/benchmarks/unit_costs.py --record",
    "simulate_cluster": "python tests/benchmarks/simulate_cluster.py --record",
    "two_engines": "python tests/benchmarks/two_engines.py --record",
}


def render(lines: list[Line]) -> str:
    """The page, from recorded lines in their order."""
    page = TEMPLATE.read_text(encoding="utf-8")
    newest = {line["benchmark"]: line for line in lines}
    for benchmark, command in COMMANDS.items():
        where = _where(newest[benchmark]) if benchmark in newest else f"Not recorded yet: `{command}`."
        page = page.replace(f"{{{{{benchmark}}}}}", where)
    for name, (benchmark, make) in TABLES.items():
        page = page.replace(f"{{{{{name}}}}}\n", make(newest[benchmark]) if benchmark in newest else NOTHING)
    return page


def _where(line: Line) -> str:
    load, on = line["load"]["before"][0], line["parameters"]
    return (
        f"`{line['command']}`, {on['pairs']:,} pairs, {on['entries']:,} entries ({on['world']}); {line['date'][:10]}, "
        f"commit `{line['commit']}`, {line['cpu']}, {line['cores']} cores, load {load:g} before."
    )


def units(line: Line) -> str:
    rows = [
        (
            kind,
            f"{cost['cpu_s_per_million']:.2f}",
            f"{cost['read_bytes_per_pair']:.1f}",
            f"{cost['written_bytes_per_pair']:.1f}",
        )
        for kind, cost in line["figures"]["units"].items()
    ]
    return table(("unit", "CPU s a million pairs", "bytes read a pair", "bytes written a pair"), rows)


def parts(line: Line) -> str:
    f = line["figures"]
    rows = [(name, f"{seconds:.2f}") for name, seconds in f["parts_cpu_s_per_million"].items()]
    return table(("part of these", "CPU s a million pairs"), rows)


def sums(line: Line) -> str:
    f = line["figures"]
    rows = [
        (f"one part of the {name}, added up", f"{cost['cpu_s']:.3f}", f"{cost['read_bytes'] / 1e6:.1f}")
        for name, cost in f["sums"].items()
    ] + [
        (f"the driver: {name}", f"{cost['cpu_s']:.3f}", f"{(cost['read_bytes'] + cost['written_bytes']) / 1e6:.1f}")
        for name, cost in f["serial"].items()
    ]
    return table(("step", "CPU s", "MB read and written"), rows)


def fixed(line: Line) -> str:
    f = line["figures"]
    names = {
        "plan_cpu_s": ("reading the metadata, planning, CPU s", "{:.2f}"),
        "matcher_cpu_s": ("building the matcher, CPU s", "{:.2f}"),
        "look_at_file_cpu_ms": ("a look at a file of the pool, CPU ms", "{:.2f}"),
        "receipt_listed_us": ("a receipt listed when a run is resumed, µs", "{:.1f}"),
        "small_file_ms": ("a small file written and synced, ms", "{:.2f}"),
    }
    engines = {
        "driver_us": ("the driver, for the first unit, CPU µs", "{:.0f}"),
        "driver_us_when_done": ("more for each thousand units that are done, CPU µs", "{:.1f}"),
        "driver_us_on_average": ("the driver, on average over so many, CPU µs", "{:.0f}"),
        "driver_us_handed_over_at_once": ("the same, all of them handed over at once, CPU µs", "{:.0f}"),
        "wall_us": ("a unit that does nothing, two workers, wall µs", "{:.0f}"),
        "worker_start_s": ("a worker until it has imported all, s", "{:.1f}"),
        "worker_start_cpu_s": ("the same, CPU s", "{:.1f}"),
    }
    rows = [(name, form.format(f["fixed"][key])) for key, (name, form) in names.items()] + [
        (f"{engine}: {name}", form.format(costs[key]))
        for engine, costs in f["engines"].items()
        for key, (name, form) in engines.items()
        if key in costs
    ]
    return table(("what", "measured"), rows)


def memory(line: Line) -> str:
    rows = [
        (f"{who}, {phase}", *(f"{held[kind]:,.0f}" for kind in ("private", "shared", "pss")))
        for phase, of_phase in line["figures"]["memory_mb"].items()
        for who, held in of_phase.items()
    ]
    return table(("process, phase", "private MB", "shared MB", "its share of all (Pss), MB"), rows)


def checked(line: Line) -> str:
    rows = []
    for engine, found in line["figures"]["checked"].items():
        for what, unit in (("cpu_s", "CPU s"), ("wall_s", "wall s")):
            if what in found:
                predicted, made = found[f"predicted_{what}"], found[what]
                rows.append((engine, unit, f"{predicted:.1f}", f"{made:.1f}", f"{predicted / made - 1:+.0%}"))
    return table(("engine", "", "predicted", "measured", "error"), rows)


NEEDS = {
    "units": ("units of either pass", "{:,.0f}"),
    "core_hours": ("core-hours", "{:,.1f}"),
    "pool_gb": ("the pool, GB", "{:,.0f}"),
    "read_gb": ("read from the shared file system, GB", "{:,.0f}"),
    "written_gb": ("written to it, GB", "{:,.0f}"),
    "run_gb": ("run folder, GB", "{:,.0f}"),
    "rare_places_gb": ("of it the places of rare entries, GB", "{:,.1f}"),
    "work_gb": ("work folder, gone at the end, GB", "{:,.1f}"),
    "shared_arrays_mb": ("arrays copied to each node, and shared by its workers, MB", "{:,.0f}"),
    "worker_mb": ("a worker at match and balance, private MB", "{:,.0f}"),
    "worker_of_curves_mb": ("a worker at the curves, private MB", "{:,.0f}"),
    "largest_part_mb": ("of it the largest part of the curves, MB", "{:,.0f}"),
    "driver_mb": ("the driver, private MB", "{:,.0f}"),
    "env_mb": ("what every worker is sent before a phase, MB", "{:,.1f}"),
    "serial_hours": ("steps of the driver alone, hours", "{:,.2f}"),
    "rare_hours": ("of them the places of rare entries, hours", "{:,.2f}"),
    "driver_feeds_cores": ("cores that the driver keeps busy, while few units are done", "{:,.0f}"),
    "driver_hours": ("the driver handing out units, hours", "{:,.2f}"),
    "compare_hours": ("only with filters of duplicates: one DuckDB on the driver's machine, hours", "{:,.1f}"),
    "compare_gb": ("only with them: its keys, GB", "{:,.0f}"),
    "most_frequent_billions": ("texts of the most frequent entry, billions", "{:,.2f}"),
}


def needs(line: Line) -> str:
    sizes = line["figures"]["needs"]
    rows = [(name, *(form.format(found[key]) for found in sizes.values())) for key, (name, form) in NEEDS.items()]
    return table(("pairs", *sizes), rows)


def simulated(line: Line) -> str:
    rows = []
    for size, of_size in line["figures"]["simulated"].items():
        for nodes, found in of_size.items():
            bound = sorted(found["bound_by"].items(), key=lambda item: -item[1])
            shown = ", ".join(f"{what} {share:.0%}" for what, share in bound if share >= 0.05)
            longest = sorted(found["phases"].items(), key=lambda item: -item[1])[:2]
            phases = ", ".join(f"{phase} {hours / found['hours']:.0%}" for phase, hours in longest)
            rows.append((size, nodes, f"{found['hours']:.2f}", f"{found['cores_busy']:.0%}", shown, phases))
    return table(("pairs", "nodes", "hours", "cores busy", "bound by, share of the time", "longest phases"), rows)


def first(line: Line) -> str:
    """Where each size is no longer bound by cores most of the time."""
    sentences = []
    for size, of_size in line["figures"]["simulated"].items():
        most = {nodes: max(found["bound_by"], key=found["bound_by"].get) for nodes, found in of_size.items()}
        other = next((nodes for nodes, what in most.items() if what != "cores"), None)
        if other is None:
            sentences.append(f"- {size}: by cores, on all of these clusters.\n")
        else:
            share = of_size[other]["bound_by"][most[other]]
            nodes = f"{other} node{'' if other == '1' else 's'}"
            sentences.append(f"- {size}: from {nodes} on by something else, there {share:.0%} by: {most[other]}.\n")
    return "".join(sentences)


def changed(line: Line) -> str:
    rows = [
        (change, *(f"{hours:.2f}" for hours in of_change.values()))
        for change, of_change in line["figures"]["changed"].items()
    ]
    return table(("if", *(f"{size}, hours" for size in next(iter(line["figures"]["changed"].values())))), rows)


def two_engines(line: Line) -> str:
    f = line["figures"]
    rows = [
        (
            name,
            f"{f['cpu_us_per_pair'][name]:.2f}",
            f"{f['pairs_per_s'][name]:,.0f}",
            f"{times['best_cpu']:.1f}",
            f"{times['best_wall']:.1f}",
        )
        for name, times in f["seconds"].items()
    ]
    ratio = f["ratio_ray_cpu"]
    verdict = "reached" if ratio["best"] <= 1.15 else "**not reached**"
    return table(("engine", "CPU µs a pair", "pairs a second", "CPU s", "wall s"), rows) + (
        f"\nRay takes {ratio['best']:.2f} times the CPU of the local engine (median of the turns "
        f"{ratio['median']:.2f}); the target is at most 1.15: {verdict}.\n"
    )


TABLES: dict[str, tuple[str, Callable[[Line], Any]]] = {
    "units": ("unit_costs", units),
    "parts": ("unit_costs", parts),
    "sums": ("unit_costs", sums),
    "fixed": ("unit_costs", fixed),
    "memory": ("unit_costs", memory),
    "needs": ("simulate_cluster", needs),
    "simulated": ("simulate_cluster", simulated),
    "first": ("simulate_cluster", first),
    "changed": ("simulate_cluster", changed),
    "checked": ("simulate_cluster", checked),
    "engines": ("two_engines", two_engines),
}

if __name__ == "__main__":
    PAGE.write_text(render(recorded()), encoding="utf-8")
