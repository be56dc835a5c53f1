"""The SYNTHETIC worldwide captions: small, mixed, and made again byte for byte."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sample_data"))

import worldwide
from worldwide_templates import TEMPLATES

from curation.metadata_files import read_metadata

FOLDER = worldwide.HERE / "worldwide"
needs_cldr = pytest.mark.skipif(not worldwide.CLDR.is_dir(), reason="needs the Debian package unicode-cldr-core")


def test_the_files_take_less_than_half_a_megabyte():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 500_000


def test_captions_have_their_shares_of_languages():
    found = Counter(pq.read_table(FOLDER / "captions.parquet")["language"].to_pylist())
    assert set(found) == {code for code, _ in worldwide.SHARES}
    assert sum(share for _, share in worldwide.SHARES) == pytest.approx(1.0, abs=1e-12)
    for code, share in worldwide.SHARES:
        # binomial: 5 sigma
        assert abs(found[code] - 4000 * share) < 5 * np.sqrt(4000 * share * (1 - share))


def test_metadata_has_eight_languages_and_italian_captions_have_none():
    metadata = read_metadata(FOLDER / "metadata.parquet")
    assert list(metadata.count_by_language()) == ["en", "zh", "ja", "de", "es", "fr", "ar", "th"]
    assert metadata.dropped == {}
    assert min(metadata.count_by_language().values()) > 2000
    assert set(TEMPLATES) == {*metadata.count_by_language(), "it"}


@needs_cldr
def test_the_script_makes_the_committed_files_again(tmp_path):
    assert worldwide.main(["-o", str(tmp_path)]) == 0
    for name in ("metadata.parquet", "captions.parquet"):
        assert pq.read_table(tmp_path / name).equals(pq.read_table(FOLDER / name)), name
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


def test_a_missing_source_is_told_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(worldwide, "CLDR", tmp_path)
    assert worldwide.main(["-o", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "apt-get install unicode-cldr-core" in error
