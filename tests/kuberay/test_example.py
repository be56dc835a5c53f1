"""The example of KubeRay: what it holds is checked against the fields that there are, without a network."""

import copy
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "cluster" / "kuberay.yaml"
SCHEMA = Draft202012Validator(json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8")))
# every document a tree of its own: what an anchor repeats can then be changed in one place
DOCUMENTS = [json.loads(json.dumps(one)) for one in yaml.safe_load_all(EXAMPLE.read_text(encoding="utf-8")) if one]
FREE = {"data", "matchLabels"}
"""Whose keys are the user's to name."""


def of_kind(kind: str) -> dict[str, Any]:
    (found,) = (one for one in DOCUMENTS if one["kind"] == kind)
    return found


def pods() -> list[dict[str, Any]]:
    cluster = of_kind("RayJob")["spec"]["rayClusterSpec"]
    return [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


def fields(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all fields of a document."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from fields(inner, (*path, key)) if key not in FREE else ()
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from fields(inner, (*path, at))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one["kind"])
def test_the_example_holds_fields_that_there_are(document):
    SCHEMA.validate(document)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one["kind"])
def test_no_field_of_the_example_can_be_misspelt(document):
    paths = list(fields(document))
    assert len(paths) > 3
    for path in paths:
        changed = copy.deepcopy(document)
        inside = changed
        for key in path[:-1]:
            inside = inside[key]
        inside[f"{path[-1]}s"] = inside.pop(path[-1])
        assert not SCHEMA.is_valid(changed), path


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("replicas",), "4"),
        (("rayStartParams",), {"num-cpus": 8}),
        (("template", "spec", "containers", 0, "resources", "limits", "memory"), "16 GB"),
        (("template", "spec", "containers", 0, "env", 0, "value"), 0),
        (("template", "spec", "containers", 0, "image"), "registry.lab/headtail"),
    ],
)
def test_no_field_can_hold_what_it_must_not(path, value):
    changed = copy.deepcopy(of_kind("RayJob"))
    inside = changed["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    assert not SCHEMA.is_valid(changed)


def test_every_container_is_bounded_and_unprivileged():
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert not pod["automountServiceAccountToken"]
        for container in pod["containers"]:
            assert container["resources"]["limits"] == container["resources"]["requests"]
            assert container["resources"]["limits"].keys() == {"cpu", "memory"}
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
            }  # fmt: skip
            assert {"name": "RAY_USAGE_STATS_ENABLED", "value": "0"} in container["env"]


def test_the_cluster_asks_for_a_token_and_its_head_runs_no_units():
    cluster = of_kind("RayJob")["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


def test_all_pods_share_a_volume_under_the_same_path_that_many_may_write():
    claim = of_kind("PersistentVolumeClaim")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for pod in pods():
        (shared,) = (one["name"] for one in pod["volumes"] if "persistentVolumeClaim" in one)
        assert {"name": shared, "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}} in pod["volumes"]
        assert {"name": shared, "mountPath": "/data"} in pod["containers"][0]["volumeMounts"]


def test_the_job_runs_the_script_of_the_map():
    (head, *_), script = pods(), of_kind("ConfigMap")
    (mount,) = (one for one in head["containers"][0]["volumeMounts"] if one["name"] == "job")
    assert {"name": "job", "configMap": {"name": script["metadata"]["name"]}} in head["volumes"]
    (name,) = script["data"]
    assert of_kind("RayJob")["spec"]["entrypoint"] == f"sh {mount['mountPath']}/{name}"


def test_the_script_begins_a_run_and_goes_on_with_it_when_it_is_tried_again(tmp_path):
    script = of_kind("ConfigMap")["data"]["curate.sh"].replace("/data/", f"{tmp_path}/")
    headtail = tmp_path / "headtail"
    headtail.write_text('#!/bin/sh\necho "$@"\n')
    headtail.chmod(0o755)

    def said() -> str:
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "RAY_ADDRESS": "10.0.0.5:6379"}
        done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip().replace(f"{tmp_path}/", "/data/")

    on_ray = "-o /data/runs/first --engine ray --address 10.0.0.5:6379"
    assert said() == f"curate /data/pool --metadata /data/metadata.parquet {on_ray}"
    (tmp_path / "runs" / "first").mkdir(parents=True)
    (tmp_path / "runs" / "first" / "run.json").touch()
    assert said() == f"curate --resume {on_ray}"


def test_the_version_of_ray_is_the_same_everywhere():
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("docs/cluster/Dockerfile", "pyproject.toml")]
    pinned = {version for text in texts for version in re.findall(r"\bray(?:\[\w+\])?==([0-9.]+)", text)}
    assert {of_kind("RayJob")["spec"]["rayClusterSpec"]["rayVersion"]} == pinned
