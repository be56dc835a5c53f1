"""Coverage-guided fuzzing with atheris: what is new in coverage is kept in a folder of its own, not in the corpus."""

import importlib
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIMITS = ("-max_len=4096", "-timeout=60", "-rss_limit_mb=1500")


def main(target: str) -> None:
    """Fuzz a function of `targets` until it breaks, or as long as the options of libFuzzer say (-max_total_time=60).

    What is found is written to a new folder, which is named at the start; to take it into the corpus:
    python tests/fuzz/NAME.py -merge=1 tests/fuzz/corpus/NAME FOLDER
    """
    import atheris  # not of the tests' environment: only who fuzzes needs it

    sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]
    with atheris.instrument_imports(include=["curation"]):
        targets = importlib.import_module("fuzz.targets")
    folders = [word for word in sys.argv[1:] if not word.startswith("-")]
    if not folders:
        folders = [tempfile.mkdtemp(prefix=f"fuzz-{target}-"), str(HERE / "corpus" / target)]
    options = [word for word in sys.argv[1:] if word.startswith("-")]
    sys.stderr.write(f"finds go to {folders[0]}\n")
    atheris.Setup([sys.argv[0], *LIMITS, *options, *folders], getattr(targets, target))
    atheris.Fuzz()
