"""How well and how fast captions are routed by language, on the sample captions, whose languages are known.

    python tests/benchmarks/languages.py

Prints a row for each identifier that is installed: ours (py3langid with an abstention below MIN_CONFIDENCE), and
lingua-language-detector as a peer; then the speed of matching by sub-strings.
"""

import resource
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation.languages import as_listed, identify, normalised
from curation.matching import SubstringMatcher

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "worldwide"
Identifier = Callable[[pa.Array], pa.Array]


def main() -> None:
    captions = pq.read_table(SAMPLE / "captions.parquet")
    metadata = pq.read_table(SAMPLE / "metadata.parquet")
    texts, truth = captions["text"].combine_chunks(), captions["language"].to_pylist()
    listed = set(metadata["language"].to_pylist())
    tell("| | right | wrong | not identified | right, from 30 characters | noise refused | us a text | MB |")
    for name, make in {"py3langid": lambda: identify, "lingua": lingua}.items():
        if find_spec(name):
            report(name, make(), texts, truth, listed)
    for code in ("zh", "ja", "th"):
        entries = metadata.filter(pc.equal(metadata["language"], code))["entry"].combine_chunks()
        of_it = captions.filter(pc.equal(captions["language"], code))["text"].combine_chunks()
        many = pa.concat_arrays([of_it] * 100)
        matcher = SubstringMatcher(entries)
        start = time.perf_counter()
        found = matcher.match(many)
        rate = len(many) / (time.perf_counter() - start)
        matches = len(found.values) / len(found)
        tell(f"{code}: {rate:,.0f} texts a second over {len(entries):,} entries, {matches:.1f} matches each")


def report(name: str, identifier: Identifier, texts: pa.Array, truth: list[str], listed: set[str]) -> None:
    identifier(texts[:5])
    start = time.perf_counter()
    answers = identifier(texts)
    each = (time.perf_counter() - start) / len(texts)
    rows = list(zip(texts.to_pylist(), as_listed(answers, listed).to_pylist(), truth, strict=True))
    spoken = [row for row in rows if row[2] != "und"]
    right = [found == true for _, found, true in spoken]
    none = [found is None for _, found, _ in spoken]
    longer = [found == true for text, found, true in spoken if len(text) >= 30]
    noise = [found is None for _, found, true in rows if true == "und"]
    shares = (share(right), 1 - share(right) - share(none), share(none), share(longer), share(noise))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    tell(f"| {name} | {' | '.join(f'{100 * one:.1f} %' for one in shares)} | {1e6 * each:.0f} | {peak} |")
    for code in sorted(set(truth) - {"und"}):
        tell(f"    {code}: {share([found == true for _, found, true in rows if true == code]):.3f}")


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")


def share(values: list[bool]) -> float:
    return sum(values) / len(values)


def lingua() -> Identifier:
    from lingua import LanguageDetectorBuilder

    detector = LanguageDetectorBuilder.from_all_languages().with_preloaded_language_models().build()

    def answer(texts: pa.Array) -> pa.Array:
        found = [detector.detect_language_of(text) for text in texts.to_pylist()]
        return normalised(pa.array([one and one.iso_code_639_1.name for one in found], pa.string()))

    return answer


if __name__ == "__main__":
    main()
