"""Matching: captions a second on one thread, beside pyahocorasick and ahocorasick_rs."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
from measure import Measured, peak_memory_mb, prove, race, ratios, script
from peers import AhoCorasickRs, PyAhoCorasick
from world import world

import reference
from curation.matching import Matcher, kernel, string_buffers

ORACLE_TEXTS, ORACLE_ENTRIES = 200, 1000


def matching(*, pairs: int = 200_000, entries: int = 500_000, repeats: int = 5) -> Measured:
    """All contestants match the same captions against the same entries, warm, in turns."""
    its_world = world(entries)
    names, texts = its_world.entries(), its_world.captions(pairs)
    entry_array, text_array = pa.array(names), pa.array(texts)

    matcher = Matcher(entry_array)
    ours = matcher.match(text_array)
    memory = peak_memory_mb()  # before the peers build theirs

    proven = [_equal_to_the_oracle(names, texts)]
    pyaho, rust = PyAhoCorasick(names), AhoCorasickRs(names)
    expected = [sorted(ids) for ids in pyaho.match(texts)]
    what = f"the ids of all {pairs:,} texts against {len(names):,} entries, from all three"
    proven.append(prove(what, expected, [sorted(ids) for ids in rust.match(texts)], ours.to_pylist()))

    data, offsets = string_buffers(text_array)
    halves = text_array[: pairs // 2], text_array[pairs // 2 :]
    half_offsets = offsets[: pairs // 2 + 1], offsets[pairs // 2 :]
    with ThreadPoolExecutor(2) as threads, tempfile.TemporaryDirectory() as folder:
        times = race(
            repeats,
            ours=lambda: matcher.match(text_array),
            pyahocorasick=lambda: pyaho.match(texts),
            ahocorasick_rs=lambda: rust.match(texts),
        )
        # short, so that the threads and the limits get more turns, and none of a peer's garbage between them
        times |= race(
            4 * repeats,
            one_thread=lambda: matcher.match(text_array),
            two_threads=lambda: list(threads.map(matcher.match, halves)),
            tokenise=lambda: kernel.tokenise(data, offsets, matcher._tables),
            tokenise_two_threads=lambda: list(
                threads.map(lambda part: kernel.tokenise(data, part, matcher._tables), half_offsets)
            ),
            read_bytes=lambda: kernel.read_bytes(data, offsets),
        )
        times |= race(
            min(repeats, 3),
            build=lambda: Matcher(entry_array),
            save=lambda: matcher.save(Path(folder), np.save),
            load=lambda: Matcher.load(Path(folder)),
        )
        loaded = Matcher.load(Path(folder)).match(text_array[:1000])
        proven.append(prove("a saved and loaded matcher finds the same", loaded.to_pylist(), ours[:1000].to_pylist()))
        tables_mb = sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6

    best = {name: min(taken.wall) for name, taken in times.items()}
    ns = {name: min(times[name].cpu) / pairs * 1e9 for name in ("ours", "tokenise", "read_bytes")}
    return Measured(
        parameters={
            "world": its_world.name,
            "threads": 1,
            "bytes_per_text": float(np.diff(offsets).mean()),
            "matches_per_text": len(ours.values) / pairs,
        },
        proven=proven,
        figures={
            "captions_per_s": pairs / best["ours"],
            "pyahocorasick_captions_per_s": pairs / best["pyahocorasick"],
            "ahocorasick_rs_captions_per_s": pairs / best["ahocorasick_rs"],
            "ratio_pyahocorasick": ratios(times["ours"], times["pyahocorasick"]),
            "ratio_ahocorasick_rs": ratios(times["ours"], times["ahocorasick_rs"]),
            "two_threads_speed_up": best["one_thread"] / best["two_threads"],
            "two_threads_speed_up_tokenise": best["tokenise"] / best["tokenise_two_threads"],
            "build_s": best["build"],
            "save_s": best["save"],
            "load_s": best["load"],
            "tables_mb": tables_mb,
            "pyahocorasick_tables_mb": pyaho.automaton.get_stats()["total_size"] / 1e6,
            "ns_per_text": ns,
            "seconds": {name: taken.summary for name, taken in times.items()},
        },
        peak_memory_mb=memory,
    )


def _equal_to_the_oracle(names: list[str], texts: list[str]) -> str:
    """The oracle is slow: some texts, and of the entries some that stand in them and some spread over the list."""
    some_texts = texts[:ORACLE_TEXTS]
    found = Matcher(pa.array(names)).match(pa.array(some_texts)).values.to_pylist()
    spread = names[:: max(1, len(names) // ORACLE_ENTRIES)]
    some = list(dict.fromkeys([*(names[entry_id] for entry_id in found[:ORACLE_ENTRIES]), *spread]))
    return prove(
        f"the ids of {len(some_texts)} texts against {len(some):,} entries, from all three and tests/reference.py",
        [reference.matched_entry_ids(text, some) for text in some_texts],
        Matcher(pa.array(some)).match(pa.array(some_texts)).to_pylist(),
        [sorted(ids) for ids in PyAhoCorasick(some).match(some_texts)],
        [sorted(ids) for ids in AhoCorasickRs(some).match(some_texts)],
    )


if __name__ == "__main__":
    script(matching)
