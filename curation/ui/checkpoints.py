"""Which checkpoint a page works with: own trainings, a folder or file, or a name of open_clip; and its self-test."""

from pathlib import Path

import pyarrow as pa
import streamlit as st

from curation.clip.questions import About, Source
from curation.clip.training.folder import Training
from curation.errors import CurationError
from curation.runs.workspace import SAMPLE_DATA, models_folder
from curation.ui import state
from curation.ui.model_worker import ModelWorker
from curation.ui.tables import show_table
from curation.ui.text import label, notice, number

CONFIG = "open_clip_config.json"
"""What a folder with a checkpoint holds, in the form of open_clip."""

WEIGHT_FILES = (".safetensors", ".pt", ".pth", ".bin")
"""How a file ends that holds weights alone."""

SAMPLE = "Sample: emoji world (synthetic)"
PATH, NAME = "A folder or file on this machine ...", "A model of open_clip by name ..."

VERDICTS = {
    "ok": ("verified", "Self-test passed"),
    "failed": ("error", "Self-test failed"),
    "unknown": ("help", "Self-test: nothing known to compare with"),
}


def choose_checkpoint(worker: ModelWorker) -> tuple[Source, About] | None:
    """Draw the choice and the verdict of the self-test; None while there is no checkpoint, or none to trust."""
    source = _choose_source(worker)
    if source is None:
        return None
    try:
        with st.spinner("Loading the checkpoint ...", show_time=True):
            about = _about(worker, source)
    except CurationError as error:
        notice(str(error))
        return None
    return (source, about) if _trusted(about) else None


def checkpoints() -> dict[str, Path]:
    """The checkpoints of the workspace by their names, the newest first, those of trainings by the training's name."""
    folder = models_folder()
    found = {training.path: training.name for training in Training.all_in(folder)}
    others = sorted(folder.iterdir()) if folder.is_dir() else []
    found |= {path: path.name for path in others if path not in found}
    names: dict[str, Path] = {}
    for path, title in found.items():
        if has_checkpoint(path):
            name = label(title) or "(no name)"
            names[f"{name} ({label(path.name)})" if name in names else name] = path
    return names


def has_checkpoint(path: Path) -> bool:
    """Whether a folder is a checkpoint, or a training that has one."""
    return (path / CONFIG).is_file() or (path / "checkpoint" / CONFIG).is_file()


def _choose_source(worker: ModelWorker) -> Source | None:
    at_hand = checkpoints()
    own = {path.name: name for name, path in at_hand.items()}
    if has_checkpoint(SAMPLE_DATA / "checkpoint"):
        at_hand[SAMPLE] = SAMPLE_DATA / "checkpoint"
    options = [*at_hand, PATH, NAME]
    state.take_link("checkpoint", options, own)
    chosen = st.selectbox(
        "Checkpoint", options, key="checkpoint_from", persist_state="session",
        help="What was trained in this workspace, the sample, or any other CLIP model that open_clip can open.",
    )  # fmt: skip
    if chosen in at_hand:
        return Source(str(at_hand[chosen]))
    return _by_path(worker) if chosen == PATH else _by_name(worker)


def _by_path(worker: ModelWorker) -> Source | None:
    given = st.text_input(
        "Path", key="checkpoint_path", persist_state="session", placeholder="/data/models/my-model",
        help="A folder that holds open_clip_config.json, a training, or a file with weights: .safetensors, .pt, "
        ".pth or .bin. Nothing in it is run: only tensors are read.",
    )  # fmt: skip
    path = (given or "").strip()
    if not path:
        st.info("Give the path of a folder or of a file with weights.", icon=":material/folder_open:")
        return None
    if not path.endswith(WEIGHT_FILES):
        return Source(path)
    model = st.selectbox(
        "Architecture", _names(worker)[1], index=None, key="checkpoint_model", persist_state="session",
        placeholder="such as ViT-B-32", help="Weights alone do not tell what they are the weights of.",
    )  # fmt: skip
    return None if model is None else Source(path, model)


def _by_name(worker: ModelWorker) -> Source | None:
    name = st.selectbox(
        "Model and weights", _names(worker)[0], index=None, key="checkpoint_name", persist_state="session",
        placeholder="such as ViT-B-32/metaclip_400m",
    )  # fmt: skip
    st.button(
        "Load it",
        key="checkpoint_load",
        disabled=name is None,
        icon=":material/download:",
        on_click=_load,
        args=(name,),
    )
    if name is None or st.session_state.get("checkpoint_loaded") != name:
        st.caption(
            "Taken from the cache of this machine, else fetched over the network from where its authors keep it, often "
            "hundreds of megabytes. Nothing is fetched before you press."
        )
        return None
    return Source(name)


def _load(name: str) -> None:
    st.session_state["checkpoint_loaded"] = name


def _names(worker: ModelWorker) -> tuple[list[str], list[str]]:
    if "open_clip_names" not in st.session_state:
        with st.spinner("Looking what open_clip knows ..."):
            st.session_state["open_clip_names"] = worker.names()
    found: tuple[list[str], list[str]] = st.session_state["open_clip_names"]
    return found


def _about(worker: ModelWorker, source: Source) -> About:
    """What is known of the checkpoint, asked for once a session as long as its files stay as they are."""
    key = source, source.written()
    if st.session_state.get("checkpoint_about", (None,))[0] != key:
        st.session_state["checkpoint_about"] = key, worker.about(source)
    found: About = st.session_state["checkpoint_about"][1]
    return found


def _trusted(about: About) -> bool:
    """Draw the verdict, with its details on demand; whether the answers of the checkpoint may be looked at."""
    icon, words = VERDICTS[about.verdict]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f":material/{icon}:", width="content")
        st.text(words, width="content")
        with st.popover("Details", type="tertiary"):
            _show_details(about)
    if about.verdict != "failed":
        return True
    return st.checkbox(
        "Look at its answers all the same", key="checkpoint_anyway",
        help="With the wrong activation, tokenizer or preprocessing a model answers wrongly, and nothing else tells.",
    )  # fmt: skip


def _show_details(about: About) -> None:
    names, verdicts, details = zip(*about.checks, strict=True)
    table = pa.table({"check": list(names), "verdict": list(verdicts), "detail": list(details)})
    show_table(table, "self-test", key="self_test", columns={"check": "Check", "verdict": "", "detail": "Found"})
    size = " x ".join(map(str, _sides(about)))
    facts = [
        label(about.name, 120),
        f"pictures of {size} pixels, features of {number(about.dimensions)} dimensions",
        f"logit scale {about.logit_scale:.4g}, computed on {about.device}",
        f"sha256 {about.digest}",
    ]
    st.text("\n".join(facts))


def _sides(about: About) -> tuple[int, ...]:
    size = about.preprocess_cfg["size"]
    return (size, size) if isinstance(size, int) else tuple(size)
