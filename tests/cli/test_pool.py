import json

from conftest import write_pool


def test_a_pool_is_shown_and_checked_before_anything_is_done_with_it(tmp_path, headtail):
    (tmp_path / "pool.jsonl").write_text('{"caption": "a dog", "URL": "http://x/1"}\n{\n{"caption": null}\n')
    code, out, _ = headtail("pool", "show", tmp_path / "pool.jsonl")
    assert code == 0
    assert "  text      is read from caption (guessed)\n  url       is read from URL (guessed)\na dog  {" in out
    shown = json.loads(headtail("pool", "show", tmp_path / "pool.jsonl", "--json")[1])
    assert (shown["columns"], shown["guessed"]) == ({"text": "caption", "url": "URL"}, ["text", "url"])
    code, out, _ = headtail("pool", "check", tmp_path / "pool.jsonl", "--json")
    assert (code, json.loads(out)) == (
        0,
        {
            "rows_in": 3, "kept": 1, "dropped": {"not JSON": 1, "text is null": 1}, "damage": None, "error": None,
        },
    )  # fmt: skip
    write_pool(tmp_path / "a.parquet", ["a dog"])
    assert "a.parquet: 1 pairs of 1 rows" in headtail("pool", "check", f"file://{tmp_path}/a.parquet")[1]
    (tmp_path / "cut.csv").write_bytes(b"\xff\xfe")
    code, out, err = headtail("pool", "check", tmp_path / "cut.csv", "--json")
    found = json.loads(out)
    assert (code, err, found["rows_in"], found["kept"]) == (1, "", None, 0)
    assert "cut.csv" in found["error"]
