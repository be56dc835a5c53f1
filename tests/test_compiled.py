import re
from pathlib import Path

from numba import config

from curation import compiled, curves_kernel, uniform_kernel
from curation.matching import kernel, tables

PACKAGE = Path(compiled.__file__).parent


def test_everything_that_is_compiled_is_kept_under_the_digest_of_its_sources():
    functions = [
        curves_kernel.count_kept,
        curves_kernel.add_moments,
        uniform_kernel.uniform,
        kernel.match,
        tables.build,
    ]
    assert {Path(function.stats.cache_path).parent for function in functions} == {Path(compiled._cache_folder())}


def test_the_digest_takes_in_every_source_with_compiled_code():
    sources = {path for pattern in compiled._SOURCES for path in PACKAGE.glob(pattern)}
    using = {path for path in PACKAGE.rglob("*.py") if re.search(r"@(nb\.njit|compiled|intrinsic)\b", path.read_text())}
    assert using
    assert using <= sources


def test_another_source_is_another_folder(monkeypatch):
    before = compiled._cache_folder()
    monkeypatch.setattr(compiled, "_SOURCES", ("curves_kernel.py",))
    assert compiled._cache_folder.__wrapped__() != before


def test_where_others_keep_what_they_compile_stays_as_it_was():
    assert "compiled-" not in config.CACHE_DIR
