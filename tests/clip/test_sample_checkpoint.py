"""The checkpoint that lies with the sample data: it works out of the box, and knows what its documentation says."""

import re

import numpy as np
import pyarrow.parquet as pq
import pytest

from curation.clip.checkpoint import load_checkpoint
from curation.clip.self_test import self_test
from curation.clip.zero_shot import class_embeddings
from curation.pool.decode import rgb
from curation.runs.workspace import SAMPLE_DATA

KNOWN = 300
"""So many concepts it was trained on: the most frequent ones."""


@pytest.fixture(scope="module")
def checkpoint():
    return load_checkpoint(str(SAMPLE_DATA / "checkpoint"))


def test_it_passes_its_self_test_and_names_no_path(checkpoint):
    assert {check.verdict for check in self_test(checkpoint)} == {"ok"}
    assert checkpoint.trained_on is not None and "run" not in checkpoint.trained_on
    assert "/" not in (SAMPLE_DATA / "checkpoint" / "open_clip_config.json").read_text(encoding="utf-8")


def test_it_knows_the_committed_pictures_of_its_classes_as_well_as_it_says(checkpoint):
    said = float(re.search(r"top-1 of \*\*([\d.]+) %\*\*", (SAMPLE_DATA / "README.md").read_text("utf-8")).group(1))
    table = pq.read_table(SAMPLE_DATA / "eval.parquet")
    rows = [row for row in table.to_pylist() if row["label_id"] < KNOWN]
    names = [name for _, name in sorted({(row["label_id"], row["label"]) for row in rows})]
    features = checkpoint.encode_images([rgb(row["image"]) for row in rows])
    found = (features @ class_embeddings(checkpoint, names, ["a photo of a {}."]).T).argmax(axis=1)
    right = float(np.mean(found == np.array([row["label_id"] for row in rows])))
    assert len(rows) == 2 * KNOWN
    assert checkpoint.trained_on["accuracy"] == pytest.approx(said / 100)
    assert right == pytest.approx(said / 100, abs=4 * np.sqrt(0.4 * 0.6 / len(rows)))  # 4 sigma of so many pictures
