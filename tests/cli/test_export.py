import json
from contextlib import nullcontext


def test_an_export_says_what_it_left_out(picture_run, tmp_path, headtail):
    code, out, err = headtail(
        "export", picture_run.path, "--format", "webdataset", "--shard-rows", 100, "-o", tmp_path / "out"
    )
    assert (code, err) == (0, "")
    assert "(no image)" in out
    assert len(list((tmp_path / "out").glob("*.tar"))) == 5
    code, out, _ = headtail("export", picture_run.path, "--no-images", "-t", 30, "-o", tmp_path / "plain", "--json")
    manifest = json.loads(out)
    assert (code, manifest["t"], "image" in manifest["columns"]) == (0, 30.0, False)


def test_a_cancelled_export_says_so_and_leaves_nothing(run_folder, tmp_path, headtail, monkeypatch):
    monkeypatch.setattr("curation.runs.job.stop_on_signal", lambda: nullcontext(lambda: True))
    out = tmp_path / "out"
    assert headtail("export", run_folder, "-o", out) == (1, "", f"headtail: {out}: cancelled; nothing was written\n")
    assert not list(tmp_path.glob("*out*"))


def test_verify_exits_0_without_a_finding_and_1_with_a_line_for_each(world, run_folder, headtail):
    headtail("export", run_folder, "-o", world / "out")
    assert headtail("verify", run_folder)[:2] == (
        0,
        f"{run_folder}: 1 files checked, 8 pairs of 1 of 1 units derived again: no finding(s)\n",
    )
    assert headtail("verify", world / "out")[0] == 0
    code, out, _ = headtail("verify", world / "out", "--json")
    assert json.loads(out)["findings"] == []
    (world / "out" / "00000.parquet").write_bytes(b"PAR1")
    (run_folder / "pairs" / "00000.parquet").rename(world / "away.parquet")
    code, out, err = headtail("verify", run_folder, "--all")
    assert (code, err) == (1, "")
    assert out.splitlines()[-1].endswith(f"{out.count(chr(10)) - 1} finding(s)")
    assert "pairs/00000.parquet: " in out
    (world / "away.parquet").rename(run_folder / "pairs" / "00000.parquet")
    run_folder.rename(world / "moved")
    code, out, err = headtail("verify", world / "out")
    assert (code, out, "say where it is by --run RUN" in err) == (1, "", True)
    code, out, _ = headtail("verify", world / "out", "--run", world / "moved", "--json")
    assert code == 1
    assert "00000.parquet: its bytes do not fit the sha256 of the manifest" in json.loads(out)["findings"]
