"""docs/performance.md from the recorded lines: the newest of each benchmark and size as a table, and what became of it.

The words around the tables stand in performance.template.md.
"""

import json
import operator
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from measure import RECORD, ROOT

TEMPLATE = Path(__file__).with_name("performance.template.md")
PAGE = ROOT / "docs" / "performance.md"
NOTHING = "Nothing is recorded yet: `make bench` does it.\n"

REACHED: dict[str, Callable[[float, float], bool]] = {"at least": operator.ge, "below": operator.lt}

Line = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A figure of a table. target: "at least" or "below", and the number; pairs: how many the target is meant for."""

    what: str
    value: float
    form: str = "{:,.2f}"
    target: tuple[str, float] | None = None
    pairs: int = 0
    remark: str = ""

    def cells(self, line: Line) -> tuple[str, str, str, str]:
        shown = self.form.format(self.value) + self.remark
        if self.target is None:
            return self.what, shown, "", ""
        sign, number = self.target
        verdict = "yes" if REACHED[sign](self.value, number) else "**not reached**"
        if line["parameters"].get("pairs", 0) < self.pairs:
            verdict = f"too few pairs to judge: the target is for {self.pairs:,}"
        return self.what, shown, f"{sign} {self.form.format(number)}", verdict


def matching(line: Line) -> list[Row]:
    f, ns = line["figures"], line["figures"]["ns_per_text"]
    return [
        Row("captions a second, one thread", f["captions_per_s"], "{:,.0f}"),
        Row("pyahocorasick, captions a second", f["pyahocorasick_captions_per_s"], "{:,.0f}"),
        Row("ahocorasick_rs, captions a second", f["ahocorasick_rs_captions_per_s"], "{:,.0f}"),
        _ratio("times pyahocorasick (best turns)", f["ratio_pyahocorasick"], 25),
        _ratio("times ahocorasick_rs (best turns)", f["ratio_ahocorasick_rs"], 12),
        Row("two threads, speed-up", f["two_threads_speed_up"], "{:.2f}", ("at least", 1.8)),
        Row("two threads only tokenising, speed-up", f["two_threads_speed_up_tokenise"], "{:.2f}"),
        Row("build the matcher, s", f["build_s"], "{:.3f}", ("below", 2)),
        Row("save it, s", f["save_s"], "{:.3f}"),
        Row("load it, mapped, s", f["load_s"], "{:.4f}", ("below", 0.1)),
        Row("its tables, MB", f["tables_mb"], "{:,.0f}"),
        Row("the automaton of pyahocorasick, MB", f["pyahocorasick_tables_mb"], "{:,.0f}"),
        Row("whole, ns a text", ns["ours"], "{:,.0f}"),
        Row("only tokenising, ns a text", ns["tokenise"], "{:,.0f}"),
        Row("only reading the bytes, ns a text", ns["read_bytes"], "{:,.1f}"),
    ]


def curate_pool(line: Line) -> list[Row]:
    f, phases = line["figures"], line["figures"]["phase_s"]
    return [
        Row("pairs a second", f["pairs_per_s"], "{:,.0f}", ("at least", 450_000)),
        Row("peer, plain Python, pairs a second", f["peer_pairs_per_s"], "{:,.0f}"),
        Row("peer with our t_min, pairs a second", f["peer_with_our_t_min_pairs_per_s"], "{:,.0f}"),
        Row("times the peer", f["ratio_peer"], "{:.1f}", ("at least", 6)),
        Row("times the peer with our t_min", f["ratio_peer_with_our_t_min"], "{:.1f}"),
        Row("times the CPU of the peer, plain Python", f["ratio_peer_cpu"], "{:.1f}"),
        Row("peak memory, MB", line["peak_memory_mb"], "{:,.0f}", ("below", 1500)),
        Row("CPU a pair, µs", f["cpu_us_per_pair"]),
        Row("reading the metadata, planning, s", f["plan_s"]),
        *(Row(f"phase {phase}, s", seconds) for phase, seconds in phases.items()),
        Row("share of the phase curves, not all they cost", f["curves_share"], "{:.1%}", ("below", 0.15)),
        Row("run folder, MB", f["run_folder_mb"], "{:,.1f}"),
    ]


QUESTION_TARGETS_MS = {
    "size, t on the grid": 50,
    "entry_kept_at, t on the grid": 50,
    "samples of a head entry": 300,
    "samples of a middle entry": 300,
    "samples of a rare entry": 300,
    "samples of a tail entry": 300,
    "caption search, a frequent word": 1000,
    "caption search, a long word": 1000,
    "caption search, what no caption has": 1000,
    "entry search, a part of many": 50,
    "entry search, what none holds": 50,
    "diff of two t": 300,
    "samples of a diff of two t": 300,
    "funnel": 50,
}


def query_run(line: Line) -> list[Row]:
    f = line["figures"]
    return [
        Row(
            f"{question}, ms",
            ms["warm"]["median"],
            "{:,.1f}",
            ("below", QUESTION_TARGETS_MS[question]) if question in QUESTION_TARGETS_MS else None,
            pairs=50_000_000,
            remark=f" (cold {ms['cold']['median']:,.1f})",
        )
        for question, ms in f["ms"].items()
    ] + [Row(f"times pyarrow: {question}", ratio, "{:.1f}") for question, ratio in f["ratio_pyarrow"].items()]


def read_pool(line: Line) -> list[Row]:
    f = line["figures"]
    return [
        *(Row(f"{kind}, rows a CPU second", rate, "{:,.0f}") for kind, rate in f["rows_per_cpu_s"].items()),
        Row("WAT, MB of JSON a CPU second", f["wat_json_mb_per_cpu_s"], "{:,.1f}", ("at least", 20)),
        Row("tar files, MB a CPU second", f["tar_mb_per_cpu_s"], "{:,.0f}"),
        Row("a thumbnail out of the tar file, ms", f["thumbnail_ms"]["median"], "{:.1f}", ("below", 10)),
        Row("the slowest of twenty, ms", f["thumbnail_ms"]["p95"], "{:.1f}"),
        Row("times Python's csv, which checks nothing", f["ratio_csv_module"]["best"]),
        Row("times Python's json, line by line", f["ratio_json_module"]["best"]),
        Row("times Python's tarfile, reading texts", f["ratio_tarfile"]["best"]),
    ]


def start_up(line: Line) -> list[Row]:
    f = line["figures"]
    targets = {"headtail_help": ("below", 0.5)}
    return [
        *(
            Row(f"{what.replace('_', ' ')}, s", seconds["median_wall"], "{:.2f}", targets.get(what))
            for what, seconds in f["seconds"].items()
        ),
        *(
            Row(
                name,
                f[figure]["worst"],
                form,
                ("below", target),
                remark=f" (median {form.format(f[figure]['median'])})",
            )
            for figure, name, form, target in (
                ("first_chart_s", "first chart after the server is up, the slowest, s", "{:.2f}", 2),
                ("idle_session_mb", "server with an idle session, MB", "{:,.0f}", 400),
            )
            if figure in f
        ),
        Row("first run of the app, times that of an empty one", f["ratio_first_run_to_empty_app"], "{:.1f}"),
        Row("first match, times importing numba", f["ratio_first_match_to_import_numba"], "{:.1f}"),
    ]


def live_chart(line: Line) -> list[Row]:
    f = line["figures"]
    return [
        Row("frames a second while t is dragged", f["frames_per_s"], "{:,.0f}", ("at least", 30)),
        Row("an update, 95 of 100 take at most, ms", f["update_ms"]["p95"], "{:.1f}", ("below", 33)),
        Row("an update, half of them take at most, ms", f["update_ms"]["p50"], "{:.1f}"),
        *(
            Row(
                f"from letting go until the page of {page} has followed, 95 of 100, ms",
                ms["p95"],
                "{:,.0f}",
                ("below", 300),
                pairs=10_000_000,
                remark=f" (half of them {ms['p50']:,.0f})",
            )
            for page, ms in f["release_ms"].items()
        ),
        Row("sent to the browser once a run, kB", f["packed_kb"], "{:,.0f}"),
        Row("gathered at the end of a run, ms", f["once_ms"]["sketch"], "{:,.0f}"),
        Row("packed at its first view, ms", f["once_ms"]["pack"], "{:,.0f}"),
    ]


def classify(line: Line) -> list[Row]:
    f = line["figures"]
    targets = {"cold": ("below", 1.0)}
    return [
        *(Row(f"{what}, s", seconds, "{:.3f}", targets.get(what)) for what, seconds in f["seconds"].items()),
        Row("by the library alone, nothing kept, s", f["library_s"], "{:.3f}"),
        Row("by open_clip alone, s", f["open_clip_s"], "{:.3f}"),
        Row("times open_clip", f["ratio_open_clip"]["best"]),
    ]


def training(line: Line) -> list[Row]:
    f = line["figures"]
    rate = f["samples_per_s"]
    return [
        Row("samples a second", rate["ours"], "{:,.0f}"),
        Row("open_clip's step, from memory, samples a second", rate["open_clip_step"], "{:,.0f}"),
        Row("open_clip's training from picture files, samples a second", rate["open_clip_files"], "{:,.0f}"),
        _ratio("times open_clip's step (best turns)", f["ratio_step"], 1),
        _ratio("times open_clip's training from files (best turns)", f["ratio_files"], 1),
        Row("share of the time that waits for data", f["waiting_for_data"], "{:.2%}", ("below", 0.02)),
        Row("pictures decoded a second, once for all trainings", f["pictures_decoded_per_s"], "{:,.0f}"),
    ]


TABLES: dict[str, Callable[[Line], list[Row]]] = {
    "matching": matching,
    "curate_pool": curate_pool,
    "query_run": query_run,
    "read_pool": read_pool,
    "start_up": start_up,
    "live_chart": live_chart,
    "classify": classify,
    "training": training,
}

HISTORY = {
    "matching": (
        "captions a second, one thread",
        "times pyahocorasick (best turns)",
        "times ahocorasick_rs (best turns)",
    ),
    "curate_pool": (
        "pairs a second",
        "times the peer",
        "peak memory, MB",
        "share of the phase curves, not all they cost",
    ),
    "query_run": ("size, t on the grid, ms", "size, t between, ms", "samples of a head entry, ms"),
    "read_pool": ("WAT, MB of JSON a CPU second", "tar files, MB a CPU second", "a thumbnail out of the tar file, ms"),
    "start_up": ("headtail help, s", "first match, s", "first run of app, s"),
    "live_chart": ("frames a second while t is dragged", "an update, 95 of 100 take at most, ms"),
    "classify": ("cold, s", "cached, s", "times open_clip"),
    "training": ("samples a second", "times open_clip's step (best turns)"),
}


def render(lines: list[Line]) -> str:
    """The page, from recorded lines in their order."""
    page = TEMPLATE.read_text(encoding="utf-8")
    for benchmark in TABLES:
        page = page.replace(f"{{{{{benchmark}}}}}\n", _newest([one for one in lines if one["benchmark"] == benchmark]))
    return page.replace("{{history}}\n", _history(lines))


def _newest(lines: list[Line]) -> str:
    """The newest line of each size, the smallest first."""

    def pairs(line: Line) -> int:
        return line["parameters"].get("pairs", 0)

    sections = [list(same)[-1] for _, same in groupby(sorted(lines, key=pairs), key=pairs)]
    return "\n".join(_section(line) for line in sections) or NOTHING


def _section(line: Line) -> str:
    load, world = line["load"], line["parameters"].get("world")
    sizes = [f"{line['parameters'][name]:,} {name}" for name in ("pairs", "entries") if name in line["parameters"]]
    where = f"{line['cpu']}, {line['cores']} cores, load {load['before'][0]:g} before and {load['after'][0]:g} after"
    what = f"{', '.join(sizes)}{f' ({world})' if world else ''}. " if sizes else ""
    when = f"{line['date'][:10]}, commit `{line['commit']}`, {where}, peak memory {line['peak_memory_mb']:,.0f} MB"
    rows = [row.cells(line) for row in TABLES[line["benchmark"]](line)]
    return f"{what}`{line['command']}`; {when}.\n\n" + table(("figure", "measured", "target", "reached"), rows)


def _history(lines: list[Line]) -> str:
    tables = []
    for benchmark, names in HISTORY.items():
        rows = []
        for line in lines:
            if line["benchmark"] == benchmark:
                cells = {row.what: row.form.format(row.value) for row in TABLES[benchmark](line)}
                pairs = f"{line['parameters'].get('pairs', ''):,}" if "pairs" in line["parameters"] else ""
                load = f"{line['load']['before'][0]:g}"
                rows.append((line["date"][:10], f"`{line['commit']}`", load, pairs, *(cells[name] for name in names)))
        if rows:
            tables.append(f"`{benchmark}.py`\n\n" + table(("date", "commit", "load", "pairs", *names), rows))
    return "\n".join(tables) or NOTHING


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table of Markdown."""
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, ("---",) * len(head), *rows])


def _ratio(what: str, ratio: dict[str, float], target: float) -> Row:
    remark = f" (median of the turns {ratio['median']:.1f})"
    return Row(what, ratio["best"], "{:.1f}", ("at least", target), remark=remark)


def recorded() -> list[Line]:
    return [json.loads(text) for text in RECORD.read_text(encoding="utf-8").splitlines()] if RECORD.exists() else []


if __name__ == "__main__":
    PAGE.write_text(render(recorded()), encoding="utf-8")
