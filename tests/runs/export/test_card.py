import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation import queries
from curation.errors import UnreadableFile
from curation.runs.export.card import read_card, write_card
from curation.runs.export.write import export


def test_a_card_counts_the_texts_of_every_entry_before_and_after(zipf_run, tmp_path):
    manifest = export(zipf_run, 37.5, tmp_path / "out", "card")
    card = json.loads((tmp_path / "out" / "card.json").read_text(encoding="utf-8"))
    ranked = zipf_run.curves.ranked_entry_id.tolist()
    kept = dict(zip(ranked, queries.entry_kept_at(zipf_run, 37.5).tolist(), strict=True))
    assert card == {f"w{k}": [int(zipf_run.entry_count[k]), kept.get(k, 0)] for k in range(50)}
    assert card["w0"] == [4000, manifest["pairs"]]
    assert card["w45"] == [0, 0]
    rows = pq.read_table(tmp_path / "out" / "card.parquet").to_pylist()
    assert {row["entry"]: [row["before"], row["after"]] for row in rows} == card


def test_the_card_of_another_format_counts_the_pairs_that_it_holds(picture_run, kept, tmp_path):
    export(picture_run, 20.0, tmp_path / "out", "urls")
    card = json.loads((tmp_path / "out" / "_card.json").read_text(encoding="utf-8"))
    with_url = [pair for pair in kept.values() if pair["url"] is not None]
    assert card["w3"][1] == sum(3 in pair["matched_entry_ids"] for pair in with_url)


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_entries_come_back_as_they_are(tmp_path, suffix):
    entries = ['a "b"', "\\", "\n", "ünïcode 🐶", "</script>"]
    path = tmp_path / f"card{suffix}"
    write_card(path, pa.array(entries), np.arange(5), np.arange(5) // 2)
    assert read_card(path).to_pydict() == {"entry": entries, "before": [0, 1, 2, 3, 4], "after": [0, 0, 1, 1, 2]}


def test_a_card_without_entries_can_be_read(tmp_path):
    write_card(tmp_path / "card.json", pa.array([], pa.string()), np.array([], int), np.array([], int))
    assert len(read_card(tmp_path / "card.json")) == 0


@pytest.mark.parametrize("text", ["[]", '{"a": 1}', '{"a": [1]}', '{"a": [1, 2, 3]}', '{"a": ["x", 2]}', "{"])
def test_what_is_no_card_is_said_to_be_none(tmp_path, text):
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(UnreadableFile, match=r"card\.json: no"):
        read_card(tmp_path / "card.json")
