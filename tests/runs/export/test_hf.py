import json

import pyarrow.parquet as pq
import pytest
import yaml

from curation.runs.export.hf import markdown_text, yaml_string
from curation.runs.export.options import ExportOptions
from curation.runs.export.write import export
from curation.runs.folder import Run
from pictures import picture

HOSTILE = 'x"\n---\nlicense: mit\n# <img src=x onerror=alert(1)> [a](javascript:b) \\ \x85 \x00 🐶 {{x}} | `y`'


def front_matter(text: str) -> tuple[dict[str, object], str]:
    begin, head, body = text.split("---\n", 2)
    assert begin == ""
    return yaml.safe_load(head), body


def test_shards_are_named_as_the_hub_names_them_and_say_what_an_image_is(picture_run, kept, tmp_path):
    manifest = export(picture_run, 20.0, tmp_path / "out", "hf", ExportOptions(shard_rows=100))
    shards = [file for file in manifest["files"] if file["path"] != "README.md"]
    total = len(shards)
    assert [file["path"] for file in shards] == [f"data/train-{at:05d}-of-{total:05d}.parquet" for at in range(total)]
    schema = pq.read_schema(tmp_path / "out" / shards[0]["path"])
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == schema.names == manifest["columns"]
    assert features["image"] == {"_type": "Image"}
    assert str(schema.field("image").type) == "struct<bytes: binary, path: string>"
    for file in shards:
        for row in pq.read_table(tmp_path / "out" / file["path"]).to_pylist():
            assert (row["image"] or {"bytes": None})["bytes"] == picture(kept[row["uid"]]["n"])


def test_the_card_says_the_features_and_the_size(picture_run, tmp_path):
    manifest = export(picture_run, 20.0, tmp_path / "out", "hf")
    head, body = front_matter((tmp_path / "out" / "README.md").read_text(encoding="utf-8"))
    assert head["configs"] == [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}]
    info = head["dataset_info"]
    assert [feature["name"] for feature in info["features"]] == manifest["columns"]
    assert info["features"][-1] == {"name": "image", "dtype": "image"}
    assert info["splits"][0]["num_examples"] == manifest["pairs"]
    assert info["download_size"] == manifest["files"][0]["bytes"]
    assert f"| pairs kept at t = 20 | {manifest['pairs']} |" in body


def test_names_from_data_stay_data_in_the_card(picture_run, tmp_path):
    run = Run(picture_run.path, {**picture_run.info, "name": HOSTILE})
    export(run, 20.0, tmp_path / "out", "hf")
    head, body = front_matter((tmp_path / "out" / "README.md").read_text(encoding="utf-8"))
    assert head["pretty_name"] == HOSTILE
    assert "license" not in head
    assert "<img" not in body
    assert body.split("\n")[1] == (
        r"# x\" \-\-\- license\: mit \# &lt;img src\=x onerror\=alert\(1\)&gt; \[a\]\(javascript\:b\) \\     🐶"
        r" \{\{x\}\} \| \`y\`"
    )


@pytest.mark.parametrize("text", ["", "plain", HOSTILE, "".join(map(chr, range(0x300))), "\ufeff\u2028\U0010ffff"])
def test_a_yaml_string_means_the_text(text):
    assert yaml.safe_load(f"a: {yaml_string(text)}") == {"a": text}


def test_markdown_text_is_one_line():
    assert markdown_text("a\r\n\u2028b") == "a   b"


@pytest.mark.external
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("images", [True, False])
def test_the_library_datasets_loads_the_folder(picture_run, kept, tmp_path, monkeypatch, images):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    options = ExportOptions(shard_rows=300, images=images)
    manifest = export(picture_run, 20.0, tmp_path / "out", "hf", options)
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"]
    assert loaded.num_rows == manifest["pairs"] == len(kept)
    assert ("image" in loaded.features) == images
    if images:
        assert loaded.features["image"] == datasets.Image()
        loaded = loaded.cast_column("image", datasets.Image(decode=False))
    for row in loaded:
        pair = kept[row["uid"]]
        assert (row["text"], row["matched_entry_ids"]) == (pair["text"], pair["matched_entry_ids"])
        if images:
            assert (row["image"] or {"bytes": None})["bytes"] == picture(pair["n"])
    if images:
        whole = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"]
        first = next(row for row in whole.select(range(3)) if row["image"] is not None)
        assert first["image"].size == (4, 4)
