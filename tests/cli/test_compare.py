import json

from curation import queries


def test_diff_tells_two_thresholds_apart(zipf_run, headtail):
    code, out, err = headtail("diff", zipf_run.path, zipf_run.path, "--t-b", 150, "--examples", 2)
    sizes = [queries.size(zipf_run, t).kept for t in (100.0, 150.0)]
    assert (code, err) == (0, "")
    assert f"{sizes[0]:,}  {sizes[1]:,}" in out
    assert "t: 100.0 | 150.0" in out
    assert f"pairs only in B: {sizes[1] - sizes[0]:,} (pair-" in out
    assert "KL(A || B) = 0.0" in out
    code, out, _ = headtail("diff", zipf_run.path, zipf_run.path, "--t-b", 150, "--json")
    answer = json.loads(out)
    assert (answer["pairs"]["only_a"], answer["pairs"]["only_b"]) == (0, sizes[1] - sizes[0])
    assert len(answer["changed"]) == 10
