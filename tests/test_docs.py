"""What the documentation claims, tried."""

import re
import shlex
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import torch

from clip.models import write_small_checkpoint
from curation import cli
from curation.balancing import t_to_p
from curation.class_lists import spellings
from curation.clip.checkpoint import load_checkpoint
from curation.clip.protocol import PROTOCOLS
from curation.clip.results import SCHEMA, Row, add_results
from curation.clip.training.config import ARMS, TrainConfig
from curation.divergence import align
from curation.matching import Matcher
from curation.metadata.ngrams import NgramCounter
from curation.metadata.wikitext import plain_text
from curation.pool.filter_config import ALIGN, FILTERS, REASONS
from curation.runs.export.formats import EXPORTS
from curation.runs.export.write import export
from curation.scale import language_scale
from curation.uniform import entry_hashes, uniform
from curation.wikipedia.config import SelectionConfig

ROOT = Path(__file__).resolve().parents[1]


def rows_of_table(document: str, head: str) -> list[list[str]]:
    """The cells of the Markdown table that begins with this row."""
    lines = (ROOT / document).read_text(encoding="utf-8").split("\n")
    first = lines.index(head) + 2
    stop = next(at for at in range(first, len(lines)) if not lines[at].startswith("|"))
    rows = [re.split(r"(?<!\\)\|", line.strip("|")) for line in lines[first:stop]]
    return [[cell.strip().replace("\\|", "|") for cell in row] for row in rows]


VECTORS = rows_of_table("docs/balancing.md", "| seed | uid | entry | u * 2^53 |")


@pytest.mark.parametrize(("seed", "uid", "entry", "numerator"), VECTORS)
def test_the_published_vectors_of_u_hold(seed, uid, entry, numerator):
    ids = pa.array([[0]], pa.list_(pa.int32()))
    u = uniform(pa.array([uid]), ids, entry_hashes(pa.array([entry]), int(seed)), int(seed))
    assert u[0] * 2**53 == int(numerator)


def test_the_table_of_what_matches_what_holds():
    for texts, entries, verdict in rows_of_table("docs/matching.md", "| text | entry | |"):
        # a cell holds texts in backticks, and remarks in brackets
        entry_list = re.findall(r"`(.+?)`", entries)
        for text in re.findall(r"`(.+?)`", texts):
            matched = Matcher(pa.array(entry_list)).match(pa.array([text]))[0].as_py()
            expected = [] if verdict.startswith("do") else list(range(len(entry_list)))
            assert matched == expected, (text, entry_list)


FOLDERS = ("pairs", "curves", "rare")

RESULT = Row(
    checkpoint="small", checkpoint_digest="c0ffee", data="eval", data_digest="dada", protocol="probe", templates=None,
    shots=5, seed=0, metric="top-1", value=0.5, low=0.4, high=0.6, n=100, dropped=0, reasons="{}", l2=1.0, seconds=1.0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("t", "share", "language_t"), rows_of_table("docs/languages.md", "| t | tail share of en | t_l |")
)
def test_the_table_of_thresholds_by_language_holds(t, share, language_t):
    counts, language = np.array([10, 30, 60, 2, 8]), np.array([0, 0, 0, 1, 1], np.int32)
    scale = language_scale(counts, language, ["en", "xx"], "en")
    assert (t_to_p(counts[:3], float(t)), scale.language_t(1, float(t))) == (float(share), float(language_t))


def test_the_table_of_filters_is_that_of_the_code():
    head = "| number | step | option | a pair passes if | align |"
    documented = rows_of_table("docs/filters.md", head)
    assert [(int(number), step) for number, step, *_ in documented] == [(n, step) for step, n in REASONS.items()]
    assert [option.strip("`").split(" ")[0] for _, _, option, *_ in documented] == [
        "--" + option.replace("_", "-") for option in FILTERS.values()
    ]
    values = {FILTERS[step]: float(value.replace(",", "")) for _, step, _, _, value in documented if value}
    assert values == ALIGN


def test_every_file_of_a_run_is_in_its_definition(make_run):
    text = (ROOT / "docs" / "run-folder.md").read_text(encoding="utf-8")
    for path in make_run().path.rglob("*"):
        name = str(path.relative_to(path.parents[1]) if path.parent.name in FOLDERS else path.name)
        assert f"`{name}`" in text or name in FOLDERS or (name.startswith("curves/") and "`curves/*.npy`" in text)


def test_every_key_of_run_json_is_in_its_definition(make_run):
    first_cells = [row[0] for row in rows_of_table("docs/run-folder.md", "| key | what |")]
    documented = {key for cell in first_cells for key in cell.split(", ")}
    assert set(make_run().info) == documented


@pytest.mark.parametrize("kind", EXPORTS)
def test_every_file_and_every_key_of_an_export_is_in_its_definition(picture_run, tmp_path, kind):
    manifest = export(picture_run, 20.0, tmp_path / "out", kind)
    formats = {row[0]: row[1] for row in rows_of_table("docs/exports.md", "| `--format` | files | what |")}
    assert all(f"`{file['path']}`" in formats[f"`{kind}`"] for file in manifest["files"])
    text = (ROOT / "docs" / "exports.md").read_text(encoding="utf-8")
    assert all(f"`{file['path']}`" in text for file in manifest["cards"])
    keys = [row[0] for row in rows_of_table("docs/exports.md", "| key | what |")]
    assert set(manifest) == {key for cell in keys for key in cell.split(", ")}


def test_the_examples_of_online_balancing_run(picture_run, kept):
    text = (ROOT / "docs" / "exports.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        seen: list[dict[str, object]] = []
        counted = example.replace('pair["image"], pair["text"]', "seen.append((epoch, pair))")
        exec(compile(counted, "docs/exports.md", "exec"), {"RUN": picture_run.path, "seen": seen})
        assert {pair["uid"] for epoch, pair in seen if epoch == 0} == set(kept)
        assert any(epoch == 1 for epoch, _ in seen)


@pytest.mark.parametrize(
    "line", re.findall(r"^    (headtail .+)$", (ROOT / "docs" / "exports.md").read_text(encoding="utf-8"), re.MULTILINE)
)
def test_the_commands_of_the_page_on_exports_are_commands(line):
    command, _, *_ = cli.app.parse_args(shlex.split(line)[1:], exit_on_error=False, print_error=False)
    assert command.__module__.startswith("curation.cli.")


@pytest.mark.parametrize(
    "line",
    [
        line
        for document in (
            "README.md",
            "docs/metadata.md",
            "docs/compare.md",
            "docs/labels.md",
            "docs/evaluate.md",
            "docs/classify.md",
            "docs/cluster.md",
            "docs/train.md",
        )
        for line in (ROOT / document).read_text(encoding="utf-8").split("\n")
        if line.startswith("    headtail ")
    ],
)
def test_the_commands_of_the_documentation_are_commands(line):
    command, bound, *_ = cli.app.parse_args(shlex.split(line)[1:], exit_on_error=False, print_error=False)
    assert command.__module__.startswith("curation.cli.")
    assert bound.arguments or bound.kwargs


def test_the_rules_for_wikitext_do_what_their_table_says():
    for _, wikitext, plain in rows_of_table("docs/metadata.md", "| what | wikitext | becomes |"):
        written, expected = (cell.strip("`").replace("\\n", "\n") for cell in (wikitext, plain))
        assert plain_text(written) == expected


def test_the_table_of_what_is_counted_holds():
    for text, words, pairs in rows_of_table("docs/metadata.md", "| text | words | pairs |"):
        counter = NgramCounter()
        counter.add(re.findall("`(.+?)`", text)[0])
        assert list(counter.words) == re.findall("`(.+?)`", words)
        assert list(counter.pairs) == re.findall("`(.+?)`", pairs)


def test_the_defaults_of_building_metadata_are_those_that_are_documented():
    for option, default, compat in rows_of_table("docs/metadata.md", "| option | default | with `--compat metaclip` |"):
        name = option.strip("`-").replace("-", "_")
        assert getattr(SelectionConfig().resolved(), name) == float(default)
        assert getattr(SelectionConfig().resolved("metaclip"), name) == float(compat)


def test_the_table_of_spellings_holds():
    for name, tried in rows_of_table("docs/labels.md", "| name | spellings that are tried |"):
        assert spellings(name.strip("`")) == re.findall("`(.+?)`", tried)


def test_the_table_of_alignments_holds():
    for *lists, entries, matches, kl, within, mass in rows_of_table(
        "docs/labels.md", "| T | counts | entries E | matches | KL | within | mass |"
    ):
        weight, count = (np.array([int(value) for value in one.split(", ")]) for one in lists)
        found = align(weight.astype(float), count, int(entries), int(matches))
        assert [f"{value:.4f}" for value in (found.kl, found.within, found.mass)] == [kl, within, mass]


def test_the_table_of_results_has_the_columns_that_are_documented():
    documented = [(name, kind) for name, kind, _ in rows_of_table("docs/evaluate.md", "| column | type | meaning |")]
    assert documented == [(field.name, str(field.type)) for field in SCHEMA]
    protocols = [row[0].strip("`") for row in rows_of_table("docs/evaluate.md", "| protocol | shots | what |")]
    assert tuple(protocols) == PROTOCOLS


def test_the_example_of_a_query_of_results_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    add_results(Path("results.parquet"), [replace(RESULT, shots=5, seed=seed, value=seed / 4) for seed in (1, 2, 3)])
    (query,) = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "evaluate.md").read_text(encoding="utf-8"), re.DOTALL)
    assert duckdb.sql(query).fetchall() == [("eval", "small", 5, 0.5, 0.25, 3)]


def test_files_that_the_documentation_links_to_exist():
    for document in (
        "README.md",
        "sample_data/README.md",
        *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
    ):
        text = (ROOT / document).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
            assert (ROOT / document).parent.joinpath(target).exists(), target


def test_what_is_shown_of_an_entry_is_what_the_command_says(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    block = (ROOT / "docs" / "entries.md").read_text(encoding="utf-8").split("\n\n")[2:4]
    curate, entry = (line.strip().removeprefix("headtail ") for line in block[0].splitlines())
    for command in (curate, entry):
        capsys.readouterr()
        with suppress(SystemExit):
            cli.main(shlex.split(command.replace("runs/sample", str(tmp_path / "run"))))
    assert capsys.readouterr().out.rstrip() == "\n".join(line[4:] for line in block[1].splitlines())


def test_the_options_of_training_are_those_of_its_configuration():
    documented = [
        (name.strip("`"), default) for name, default, _ in rows_of_table("docs/train.md", "| option | default | what |")
    ]
    options = {field.name: field.default for field in fields(TrainConfig)}
    assert sorted(documented) == sorted(
        (f"--{name.replace('_', '-')}", "" if default is None else str(default)) for name, default in options.items()
    )
    assert [row[0].strip("`") for row in rows_of_table("docs/train.md", "| `--arm` | pairs |")] == list(ARMS)


def test_open_clip_opens_a_checkpoint_as_the_documentation_says(tmp_path):
    folder = write_small_checkpoint(tmp_path / "checkpoint")
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "train.md").read_text(encoding="utf-8"), re.DOTALL)
    said: dict = {}
    exec(compile(code.replace("models/balanced/checkpoint", str(folder)), "docs/train.md", "exec"), said)
    ours = load_checkpoint(str(folder))
    tokens = said["tokenizer"](["a photo of a dog"])
    assert torch.equal(tokens, ours.tokenizer(["a photo of a dog"]))
    features = said["model"].eval().encode_text(tokens, normalize=True).detach().numpy()
    np.testing.assert_allclose(features, ours.encode_texts(["a photo of a dog"]), atol=1e-5)
