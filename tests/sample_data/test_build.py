"""The SYNTHETIC emoji world: the committed files keep their law, and the script makes them again."""

import doctest
import importlib
import inspect
import io
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sample_data"))

import build
import concepts
import entries
import pairs
import render
from law import LAW, zipf_probabilities

SAMPLE_DATA = build.HERE
SOURCES = (concepts.FONT, concepts.CLDR / "en.xml", entries.WORDNET)
needs_sources = pytest.mark.skipif(
    not all(path.exists() for path in SOURCES),
    reason="needs the Debian packages fonts-noto-color-emoji, unicode-cldr-core and wordnet-base",
)

PARQUET_FILES = sorted(SAMPLE_DATA.rglob("*.parquet"))
NOISE_KINDS = {"file_name": 0.05, "date": 0.03, "untitled": 0.04, "boilerplate": 0.04}


@pytest.fixture(scope="module")
def pool() -> pa.Table:
    return pq.read_table(SAMPLE_DATA / "pool")


@pytest.fixture(scope="module")
def truth() -> pa.Table:
    return pq.read_table(SAMPLE_DATA / "truth")


@pytest.fixture(scope="module")
def concept_rows() -> list[dict]:
    return pq.read_table(SAMPLE_DATA / "concepts.parquet").to_pylist()


@pytest.fixture(scope="module")
def balanced() -> pa.Table:
    return pq.read_table(SAMPLE_DATA / "eval.parquet")


@pytest.fixture(scope="module")
def two_worlds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A world of 600 pairs (three tasks, three shards) by one process, and one of 800 (four) by two."""
    small, big = tmp_path_factory.mktemp("small"), tmp_path_factory.mktemp("big")
    options = ["--size", "32", "--shard-pairs", "200"]
    assert build.main([*options, "--pairs", "600", "--workers", "1", "-o", str(small)]) == 0
    assert build.main([*options, "--pairs", "800", "--workers", "2", "-o", str(big)]) == 0
    return small, big


def within_5_sigma(count: int, trials: int, share: float) -> bool:
    """Of a binomial distribution: false once in 1.7 million worlds."""
    return abs(count - trials * share) <= 5 * np.sqrt(trials * share * (1 - share))


# The committed files


def test_the_data_take_less_than_11_megabytes_and_the_checkpoint_less_than_8():
    committed = [path for path in SAMPLE_DATA.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    checkpoint = sum(path.stat().st_size for path in committed if "checkpoint" in path.parts)
    assert 0 < checkpoint <= 8_000_000
    assert sum(path.stat().st_size for path in committed) - checkpoint < 11_000_000


@pytest.mark.parametrize("path", PARQUET_FILES, ids=lambda path: str(path.relative_to(SAMPLE_DATA)))
def test_every_file_says_that_it_is_synthetic_and_passes_its_checksums(path):
    table = pq.read_table(path, page_checksum_verification=True)
    assert table.num_rows > 0
    assert table.schema.metadata[b"synthetic"] == b"true"
    assert table.schema.metadata[b"description"].startswith(b"SYNTHETIC data")


def test_the_pool_holds_8000_pairs_and_no_word_of_the_truth(pool):
    assert pool.num_rows == 8000
    assert pool.column_names == ["uid", "url", "text", "image", "width", "height"]


def test_every_uid_of_the_pool_is_once_in_the_truth_and_in_the_same_row(pool, truth):
    uids = pool["uid"].to_pylist()
    assert len(set(uids)) == 8000
    assert all(re.fullmatch("[0-9a-f]{32}", uid) for uid in uids)
    assert truth["uid"].to_pylist() == uids


def test_every_address_is_there_once_on_a_site_that_cannot_exist(pool):
    urls = pool["url"].to_pylist()
    assert len(set(urls)) == 8000
    assert all(url.startswith("https://emoji-world.example/") and not re.search(r"\s", url) for url in urls)


def test_every_picture_decodes_to_64_by_64_rgb(pool, balanced):
    for table in (pool, balanced):
        assert set(table["width"].to_pylist()) == set(table["height"].to_pylist()) == {64}
        for image in table["image"].to_pylist():
            with Image.open(io.BytesIO(image)) as picture:
                picture.load()
                assert (picture.mode, picture.size) == ("RGB", (64, 64))


def test_every_object_has_a_box_inside_the_picture(truth):
    for objects, boxes in zip(truth["objects"].to_pylist(), truth["boxes"].to_pylist(), strict=True):
        assert 1 <= len(objects) == len(boxes) <= 3
        assert all(0 <= x0 < x1 <= 64 and 0 <= y0 < y1 <= 64 for x0, y0, x1, y1 in boxes)


def test_a_box_holds_the_object(pool, truth):
    # backgrounds are smooth or striped: the edges of a picture are those of its objects
    inside, outside = [], []
    for image, boxes in zip(pool["image"][:300].to_pylist(), truth["boxes"][:300].to_pylist(), strict=True):
        pixels = np.asarray(Image.open(io.BytesIO(image)), dtype=float)
        contrast = np.abs(np.diff(pixels, axis=1)).sum(axis=2)  # (64, 63)
        mask = np.zeros((64, 63), dtype=bool)
        for x0, y0, x1, y1 in boxes:
            mask[int(y0) : int(y1), int(x0) : int(x1)] = True
        if mask.any() and not mask.all():
            inside.append(contrast[mask].mean())
            outside.append(contrast[~mask].mean())
    assert np.mean(inside) > 3 * np.mean(outside)


def test_there_are_at_least_800_concepts_each_with_its_own_name_and_a_name_in_five_languages(concept_rows):
    assert len(concept_rows) >= 800
    assert len({row["name"].lower() for row in concept_rows}) == len(concept_rows)
    assert [row["concept_id"] for row in concept_rows] == list(range(len(concept_rows)))
    for row in concept_rows:
        assert len(row["emoji"]) == 1
        assert all(row[column] for column in ("name", "name_de", "name_es", "name_zh", "name_ja"))


def test_the_evaluation_set_shows_every_concept_twice(balanced, concept_rows):
    names = [row["name"] for row in concept_rows]
    assert Counter(balanced["label"].to_pylist()) == dict.fromkeys(names, 2)
    assert balanced["label"].to_pylist() == [names[label_id] for label_id in balanced["label_id"].to_pylist()]


def test_no_evaluation_picture_is_in_the_pool(pool, balanced):
    for column in ("uid", "image"):
        assert not set(pool[column].to_pylist()) & set(balanced[column].to_pylist())


def test_the_committed_probabilities_are_zipf_mandelbrot(concept_rows):
    weights = (np.arange(len(concept_rows)) + 3.7) ** -1.2
    np.testing.assert_allclose([row["probability"] for row in concept_rows], weights / weights.sum(), rtol=1e-12)


def test_concepts_are_drawn_by_their_probability(truth, concept_rows):
    found = Counter(name for objects in truth["objects"].to_pylist() for name in objects)
    drawn = sum(found.values())
    assert set(found) <= {row["name"] for row in concept_rows}
    for row in concept_rows:
        # the normal limit of 5 sigma holds where a concept is expected often
        if drawn * row["probability"] >= 25:
            assert within_5_sigma(found[row["name"]], drawn, row["probability"]), row["name"]
    tail = [row for row in concept_rows if drawn * row["probability"] < 25]
    assert len(tail) > 900
    assert within_5_sigma(sum(found[row["name"]] for row in tail), drawn, sum(row["probability"] for row in tail))


def test_kinds_of_noise_have_their_shares(truth):
    found = Counter(truth["kind"].to_pylist())
    for kind, share in NOISE_KINDS.items():
        assert within_5_sigma(found[kind], 8000, share), kind


def test_six_percent_of_the_captions_are_swapped(truth):
    assert LAW.swapped == 0.06
    assert within_5_sigma(sum(truth["swapped"].to_pylist()), 8000, 0.06)


def test_fifteen_percent_are_in_four_other_languages(truth):
    found = Counter(truth["language"].to_pylist())
    assert set(found) == {"en", "de", "es", "zh", "ja", "und"}
    for language in ("de", "es", "zh", "ja"):
        assert within_5_sigma(found[language], 8000, 0.15 / 4), language


def test_a_caption_names_a_thing_of_its_picture_and_a_swapped_one_does_not(pool, truth):
    def names_an_object(text: str, objects: list[str]) -> bool:
        plain = re.sub(r"[\s_]+", " ", text.lower())
        return any(re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", plain) for name in objects)

    named: dict[bool, list[bool]] = {False: [], True: []}
    for text, row in zip(pool["text"].to_pylist(), truth.to_pylist(), strict=True):
        if row["language"] == "en" and row["kind"] not in NOISE_KINDS:
            named[row["swapped"]].append(names_an_object(text, row["objects"]))
    assert all(named[False])
    # "ice cream" for a picture of "ice" would count
    assert np.mean(named[True]) < 0.02


def test_captions_have_a_head_of_web_words_and_a_tail(pool):
    texts = Counter(word.lower() for text in pool["text"].to_pylist() for word in set(text.split()))
    head = [word for word, _ in texts.most_common(50)]
    assert {"photo", "image", "picture", "background", "free", "white"} <= set(head)
    assert sum(count == 1 for count in texts.values()) > 1000


def test_metadata_holds_every_concept_once_in_lower_case(concept_rows):
    metadata = pq.read_table(SAMPLE_DATA / "metadata.parquet")
    listed = metadata["entry"].to_pylist()
    assert len(set(listed)) == len(listed)
    assert {row["name"].lower() for row in concept_rows} <= set(listed)
    assert set(metadata["source"].to_pylist()) == {"wordnet", "concepts"}
    assert all(entry == entry.lower() for entry in listed)


# The script


def test_the_shares_of_the_law_sum_to_one():
    for shares in (LAW.families, LAW.colors, LAW.patterns, [*LAW.noise_kinds, ("described", LAW.described)]):
        assert sum(share for _, share in shares) == pytest.approx(1.0, abs=1e-12)
    assert sum(LAW.object_counts) == pytest.approx(1.0, abs=1e-12)


def test_zipf_probabilities_of_two_concepts():
    weights = np.array([3.7**-1.2, 4.7**-1.2])
    np.testing.assert_allclose(zipf_probabilities(2), weights / weights.sum(), rtol=1e-15)


@pytest.mark.parametrize("module", ["captions", "pairs"])
def test_the_examples_in_the_docstrings_hold(module):
    results = doctest.testmod(importlib.import_module(module))
    assert (results.failed, results.attempted > 0) == (0, True)


@needs_sources
@pytest.mark.long
def test_one_and_two_workers_write_the_same_bytes(two_worlds):
    small, big = two_worlds
    names = [*(f"{folder}/{shard:05d}.parquet" for folder in ("pool", "truth") for shard in range(3))]
    for name in (*names, "eval.parquet", "concepts.parquet", "metadata.parquet"):
        assert (small / name).read_bytes() == (big / name).read_bytes(), name


@needs_sources
@pytest.mark.long
def test_a_small_world_is_the_beginning_of_a_bigger_one(two_worlds):
    small, big = (pq.read_table(world / "pool") for world in two_worlds)
    assert (small.num_rows, big.num_rows) == (600, 800)
    assert small.equals(big.slice(0, 600))


@needs_sources
def test_a_world_of_a_few_concepts_is_built_from_python_and_holds_only_the_most_frequent(tmp_path):
    build.build(tmp_path, pairs=300, size=32, concepts=30, eval_per_concept=3, workers=1)
    of_all = concepts.load_concepts()
    names = [concept.name for concept in of_all[:30]]
    few = pq.read_table(tmp_path / "concepts.parquet")
    assert few["name"].to_pylist() == names
    np.testing.assert_allclose(few["probability"].to_numpy(), zipf_probabilities(30), rtol=1e-15)
    shown = {name for objects in pq.read_table(tmp_path / "truth")["objects"].to_pylist() for name in objects}
    assert shown <= set(names)
    assert len(shown) > 20
    assert Counter(pq.read_table(tmp_path / "eval.parquet")["label"].to_pylist()) == dict.fromkeys(names, 3)
    entry = set(pq.read_table(tmp_path / "metadata.parquet")["entry"].to_pylist())
    left_out = {concept.name.lower() for concept in of_all[30:]}
    assert {name.lower() for name in names} <= entry
    assert left_out & entry == left_out & set(entries.noun_lemmas())


@needs_sources
def test_neither_fewer_concepts_nor_more_pictures_a_concept_change_an_evaluation_picture():
    two = pairs.make_eval_pictures(pairs.World(0, 32), 2, 0, 10)
    five = pairs.make_eval_pictures(pairs.World(0, 32, concepts=30), 5, 0, 10)
    assert len({picture.uid for picture in five}) == len({picture.image for picture in five}) == 50
    assert [five[at] for concept in range(10) for at in (5 * concept, 5 * concept + 1)] == two


@needs_sources
def test_with_four_concepts_a_swapped_caption_still_finds_another_picture():
    _, painter = pairs.drawn(4, LAW.zipf_exponent, 32)
    shown = render.place_objects(np.random.default_rng(0), [0, 1, 2])
    assert pairs.other_scene(0, 0, shown, painter).concepts == [3]


@needs_sources
@pytest.mark.parametrize("count", [3, 100_000])
def test_concepts_that_cannot_be_had_are_refused_before_anything_is_written(count, tmp_path):
    with pytest.raises(concepts.ConceptsOutOfRange, match=rf"^{count} concepts: give a number from 4 to [\d,]+$"):
        build.build(tmp_path / "world", concepts=count)
    assert not (tmp_path / "world").exists()


@needs_sources
def test_too_many_concepts_are_one_line_of_the_command(tmp_path, capsys):
    assert build.main(["--concepts", "100000", "-o", str(tmp_path)]) == 1
    assert re.fullmatch(r"build\.py: 100000 concepts: give a number from 4 to .+\n", capsys.readouterr().err)


def test_the_command_has_the_defaults_of_the_function():
    options = vars(build.parse([]))
    assert options == {name: of_build.default for name, of_build in inspect.signature(build.build).parameters.items()}


@needs_sources
def test_another_seed_is_another_world():
    first, second = (pairs.make_pairs(pairs.World(seed, 32), 0, 20) for seed in (0, 1))
    assert not {pair.uid for pair in first} & {pair.uid for pair in second}
    assert [pair.objects for pair in first] != [pair.objects for pair in second]


@needs_sources
def test_the_script_makes_the_committed_pairs_again(pool, truth, concept_rows):
    if [concept.emoji for concept in concepts.load_concepts()] != [row["emoji"] for row in concept_rows]:
        pytest.skip("another version of the font or of CLDR has other concepts")
    made = pairs.make_pairs(pairs.World(0, 64), 0, 200)
    assert [pair.uid for pair in made] == pool["uid"][:200].to_pylist()
    assert [pair.url for pair in made] == pool["url"][:200].to_pylist()
    assert [pair.text for pair in made] == pool["text"][:200].to_pylist()
    assert build.truth_table(made).equals(truth.slice(0, 200))
    for pair, committed in zip(made, pool["image"].to_pylist(), strict=False):
        one, other = (np.asarray(Image.open(io.BytesIO(file)), dtype=float) for file in (pair.image, committed))
        # another release of libwebp may round otherwise, by less than a level of 256 on average
        assert np.abs(one - other).mean() < 1


@needs_sources
def test_files_of_a_bigger_world_are_refused_in_one_line(tmp_path, capsys):
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "00001.parquet").touch()
    assert build.main(["--pairs", "10", "-o", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "00001.parquet: left from another build" in error


@pytest.mark.parametrize(
    ("read", "package"),
    [
        (concepts.load_font, "fonts-noto-color-emoji"),
        (concepts.read_annotations, "unicode-cldr-core"),
        (entries.noun_lemmas, "wordnet-base"),
    ],
)
def test_a_missing_source_names_its_debian_package(read, package, tmp_path):
    with pytest.raises(concepts.SourceMissing, match=f"apt-get install {package}$"):
        read(tmp_path / "absent")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--pairs", "0"],
        ["--seed", "-1"],
        ["--size", "15"],
        ["--workers", "two"],
        ["--concepts", "3"],
        ["--zipf-exponent", "nan"],
        ["--zipf-exponent", "0"],
        ["--zipf-exponent", "steep"],
    ],
)
def test_an_argument_out_of_range_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        build.parse(arguments)
    assert stop.value.code == 2
    assert re.search("is not a (whole number of at least|number above 0)", capsys.readouterr().err)


@needs_sources
def test_a_larger_exponent_makes_the_head_heavier_and_changes_no_name():
    usual, steep = concepts.load_concepts(300), concepts.load_concepts(300, 1.6)
    assert [one.name for one in steep] == [one.name for one in usual]
    assert (round(usual[0].probability, 3), round(steep[0].probability, 3)) == (0.088, 0.16)
    assert steep[-1].probability < usual[-1].probability / 3
    assert sum(one.probability for one in steep) == pytest.approx(1.0)
