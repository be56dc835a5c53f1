"""Pictures in front of a checkpoint: classify, and whether the checkpoint is to be trusted."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

from curation.cli.apps import app, checkpoint_app
from curation.cli.checked import print_checked
from curation.cli.options import Json
from curation.errors import BadArgument, MissingFile, UnreadableFile
from curation.terminal import plain, print_json, print_table

if TYPE_CHECKING:
    from curation.class_lists import ClassList
    from curation.clip.classify import Classified, Picture
    from curation.clip.questions import About

Checkpoint = Annotated[
    str, Parameter(help="its folder, a training, a file of weights, or a name of open_clip: ViT-B-32/metaclip_400m")
]
Model = Annotated[str | None, Parameter(help="architecture of a file that holds weights alone, such as ViT-B-32")]


@app.command
def classify(
    images: Annotated[
        tuple[Path, ...], Parameter(negative="", show_default=False, help="JPEG, PNG, WebP or GIF files")
    ],
    *,
    checkpoint: Checkpoint,
    model: Model = None,
    labels: Annotated[str | None, Parameter(help="names to choose from, with commas between them")] = None,
    labels_file: Annotated[Path | None, Parameter(help="names from a .txt, .json, .csv or .parquet file")] = None,
    templates: Annotated[
        str, Parameter(help="clip80, simple7, photo, plain, or a file: one a line with {}, or JSON {label: [texts]}")
    ] = "clip80",
    top_k: Annotated[int, Parameter(validator=validators.Number(gte=1), help="labels shown for a picture")] = 5,
    threshold: Annotated[
        float | None, Parameter(help="a picture whose nearest label has a lower cosine shows none of these")
    ] = None,
    anyway: Annotated[bool, Parameter(negative="", help="also with a checkpoint that fails its self-test")] = False,
    as_json: Json = False,
) -> None:
    """Which of some labels each picture shows, with probabilities; exit code 1 if a picture cannot be decoded."""
    from curation.clip.templates import read_templates

    classes, prompts = _labels(labels, labels_file), read_templates(templates)
    pictures = [_picture(path) for path in images]
    if not pictures:
        raise BadArgument("no picture: give at least one file")

    from curation.clip.checkpoint import load_checkpoint
    from curation.clip.classify import classify as classified
    from curation.clip.classify import see
    from curation.clip.features import FeatureStore
    from curation.clip.serving import about
    from curation.runs.workspace import features_folder

    opened = load_checkpoint(checkpoint, model=model)
    told = about(opened)
    if told.verdict == "failed" and not anyway:
        raise UnreadableFile(
            f"{told.name}: fails its self-test ({_failed(told)}), so its answers would mislead;"
            " 'headtail checkpoint test' tells more, --anyway asks it all the same"
        )
    found = classified(opened, see(opened, pictures), classes.names, prompts, FeatureStore(features_folder()))
    if as_json:
        print_json(_as_json(told, found, top_k, threshold))
    else:
        _print(told, found, top_k, threshold)
    if any(found.reasons):
        sys.exit(1)


@checkpoint_app.command(name="test")
def run_self_test(checkpoint: Checkpoint, *, model: Model = None, as_json: Json = False) -> None:
    """Does a checkpoint answer as it should? Tokenizer, preprocessing, activation, features; exit code 1 if not."""
    from curation.clip.checkpoint import load_checkpoint
    from curation.clip.serving import about

    told = about(load_checkpoint(checkpoint, model=model))
    if as_json:
        print_json(_about(told))
    else:
        print(f"{plain(told.name)}: {told.verdict}, {told.dimensions} dimensions, sha256 {told.digest}")
        print_table(("check", "verdict", "found"), told.checks)
    if told.verdict == "failed":
        sys.exit(1)


@checkpoint_app.command(name="check")
def check(
    checkpoint: Annotated[Path, Parameter(help="its folder, a training, or a file of weights")],
    *,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Can a checkpoint from anywhere be loaded? Whole, finite, and nothing but tensors; no code in it is run.

    It is read in a process with limits. The last line of --json is an object with rows_in, kept, dropped, damage and
    error; a checkpoint is one row. Exit code 1 if it could not be read.
    """
    from curation.clip.checkpoint_check import check_checkpoint

    print_checked([(str(checkpoint), check_checkpoint(checkpoint, model))], "checkpoints", as_json)


@checkpoint_app.command(name="models")
def list_models(
    *,
    pretrained: Annotated[
        bool, Parameter(negative="", help="names of weights, as name/tag, and not only names")
    ] = False,
    as_json: Json = False,
) -> None:
    """The names of models that can be trained, or with --pretrained of weights that can be loaded."""
    from curation.clip.serving import known_names

    weights, models = known_names()
    names = weights if pretrained else models
    if as_json:
        print_json(names)
    else:
        print("\n".join(names))


def _labels(labels: str | None, file: Path | None) -> "ClassList":
    from curation.class_lists import parse_names, read_names

    if (labels is None) == (file is None):
        raise BadArgument("give the labels with --labels dog,cat or with --labels-file FILE, one of the two")
    return read_names(file) if file is not None else parse_names((labels or "").replace(",", "\n"))


def _picture(path: Path) -> "Picture":
    from curation.clip.classify import Picture

    if not path.is_file():
        raise MissingFile(f"{path}: no such file")
    return Picture(str(path), path.read_bytes())


def _failed(told: "About") -> str:
    return ", ".join(f"{name}: {detail}" for name, verdict, detail in told.checks if verdict == "failed")


def _print(told: "About", found: "Classified", k: int, threshold: float | None) -> None:
    print(f"{plain(told.name)}, self-test {told.verdict}; {len(found.classnames):,} labels")
    rows = []
    none = found.none_of_these(threshold).tolist()
    for name, reason, is_none, guesses in zip(found.names, found.reasons, none, found.top(k), strict=True):
        if reason is not None:
            rows.append((plain(name), plain(reason), "", ""))
        for rank, guess in enumerate(guesses):
            nearest = "none of these; nearest: " if is_none and rank == 0 else ""
            shown = plain(f"{nearest}{guess.label}")
            rows.append((plain(name) if rank == 0 else "", shown, f"{guess.probability:.1%}", f"{guess.cosine:.3f}"))
    print_table(("picture", "label", "probability", "cosine"), rows)


def _as_json(told: "About", found: "Classified", k: int, threshold: float | None) -> dict[str, object]:
    none = found.none_of_these(threshold).tolist()
    return {
        "checkpoint": _about(told),
        "labels": len(found.classnames),
        "threshold": threshold,
        "pictures": [
            {
                "picture": name,
                "reason": reason,
                "none_of_these": is_none if reason is None else None,
                "top": [
                    {"label": guess.label, "probability": guess.probability, "cosine": guess.cosine}
                    for guess in guesses
                ],
            }
            for name, reason, is_none, guesses in zip(found.names, found.reasons, none, found.top(k), strict=True)
        ],
    }


def _about(told: "About") -> dict[str, object]:
    checks = [dict(zip(("check", "verdict", "found"), check, strict=True)) for check in told.checks]
    return {
        "name": told.name,
        "digest": told.digest,
        "verdict": told.verdict,
        "checks": checks,
        "dimensions": told.dimensions,
        "logit_scale": told.logit_scale,
        "trained_on": told.trained_on,
    }
