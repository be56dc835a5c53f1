"""The labels of a task on a page: which list of names, and what a run makes of them."""

from collections.abc import Callable
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from curation import class_lists
from curation.class_lists import ClassList
from curation.errors import CurationError
from curation.queries import LabelFit, Spelling
from curation.queries.labels import MOST_NEAR_NAMES
from curation.runs.folder import Run
from curation.runs.workspace import SAMPLE_DATA
from curation.ui import cached
from curation.ui.tables import show_table
from curation.ui.text import label, notice, number, share

CONCEPTS = SAMPLE_DATA / "concepts.parquet"

OWN = "Own"
LISTS_HELP = (
    "ImageNet: its 1,000 classes as CLIP words them, out of the installed open_clip (MIT licence). "
    "Sample: the concepts of the emoji world, as often as they are meant in its pool."
)

LONGEST_IN_ADDRESS = 1500
"""Characters of a list of one's own that still go into the address bar."""

VERDICTS = {
    "better aligned": "At this t the set is **better aligned** with the task than the pool: ",
    "worse aligned": "At this t the set is **worse aligned** with the task than the pool: ",
    "aligned as before": "At this t the set is **aligned as before**: ",
}

_number = partial(st.metric, delta_color="off", delta_arrow="off")


def choose_names() -> tuple[ClassList | None, Spelling]:
    """Draw the choice of a list, None while one's own is still to come or is refused, and of the spelling."""
    lists = _lists()
    with st.container(horizontal=True, gap="medium"):
        chosen = st.segmented_control(
            "Class names", [*lists, OWN], default="ImageNet", required=True, key="labels", bind="query-params",
            help=f"{LISTS_HELP} {OWN}: any list.",
        )  # fmt: skip
        spelling = st.segmented_control(
            "Spelling", ["best", "as written"], default="best", required=True, key="spelling", bind="query-params",
            help="Upper and lower case differ in matching. best: of the name as written, in lower case, In Title Case, "
            "with a capital first, with spaces for underscores and without a remark in brackets, the spelling that "
            "stands in the most texts.",
        )  # fmt: skip
    found = _read(_own_names if chosen == OWN else lists.get(chosen or "", cached.imagenet_names))
    return found, "as written" if spelling == "as written" else "best"


def choose_labels(first: str) -> ClassList | None:
    """Draw the choice of labels for pictures: by hand, which begin with `first`, or a list; None without any."""
    lists = _lists()
    chosen = st.segmented_control(
        "Labels", [OWN, *lists], default=OWN, required=True, key="classes", persist_state="session", help=LISTS_HELP
    )
    return _read(partial(_labels_by_hand, first) if chosen == OWN else lists.get(chosen or "", cached.imagenet_names))


def _lists() -> dict[str, Callable[[], ClassList | None]]:
    """Lists that are at hand."""
    lists: dict[str, Callable[[], ClassList | None]] = {"ImageNet": cached.imagenet_names}
    if CONCEPTS.is_file():
        lists["Sample"] = lambda: cached.read_names(CONCEPTS)
    return lists


def _read(read: Callable[[], ClassList | None]) -> ClassList | None:
    try:
        return read()
    except CurationError as error:
        notice(str(error))
        return None


def _own_names() -> ClassList | None:
    short = len(st.session_state.get("names") or "") <= LONGEST_IN_ADDRESS
    left, right = st.columns([3, 2])
    text = left.text_area(
        "One name a line, with a count if there is one", key="names", height=160, persist_state="session",
        placeholder="dog\nhot dog, 3\nfire truck", bind="query-params" if short else None,
    )  # fmt: skip
    with right:
        _upload_names("names")
        st.caption("One name a line, a JSON list, or the first column of a CSV.")
    if not short:
        st.caption("The list is too long for the address bar: a link to this page does not carry it.")
    if not text:
        st.info("Paste the names of the classes that you want to tell apart.", icon=":material/sell:")
        return None
    return class_lists.parse_names(text)


def _labels_by_hand(first: str) -> ClassList | None:
    st.session_state.setdefault("class_names", first)
    text = st.text_area(
        "One a line", key="class_names", height=180, persist_state="session", placeholder="dog\nhot dog"
    )
    with st.popover("From a file", type="tertiary", icon=":material/upload_file:"):
        _upload_names("class_names")
    if not text:
        st.info("Write the labels to choose from, one a line.", icon=":material/sell:")
        return None
    return class_lists.parse_names(text)


def _upload_names(key: str) -> None:
    """Take a file into the box with this key."""
    st.file_uploader("Or from a file", ["txt", "json", "csv"], key=f"{key}_file", on_change=_take_file, args=(key,))
    if refused := st.session_state.get(f"{key}_refused"):
        notice(refused)


def _take_file(key: str) -> None:
    """Put the names of a file into the box, where they can be seen and changed."""
    file = st.session_state[f"{key}_file"]
    st.session_state[f"{key}_refused"] = None
    if isinstance(file, UploadedFile):  # not one that the server has lost since, as at a restart
        try:
            st.session_state[key] = class_lists.parse_file(file.name, file.getvalue()).as_text()
        except CurationError as error:
            st.session_state[f"{key}_refused"] = str(error)


def show_fit(fit: LabelFit, classes: ClassList) -> None:
    """How many of the names there are, and how well the pool is aligned with them, before and after."""
    total = len(classes.names)
    with st.grid(4, min_column_width=150):
        _number(
            "Names found", number(fit.found), share(fit.found, total), delta_description=f"of {number(total)} names",
            help="Names that are entries of the metadata, in the spelling chosen.",
        )  # fmt: skip
        _number(
            "Names that match", number(fit.matching), share(fit.weight_matching), delta_description="of T",
            help="Names whose entry stands in at least one text of the pool; beside it the share of T on them.",
        )  # fmt: skip
        _number(
            "Names with a kept pair", number(fit.covered), share(fit.weight_covered), delta_description="of T",
            help="Names whose entry stands in the text of at least one kept pair; beside it the share of T on them.",
        )  # fmt: skip
        if fit.verdict:
            _number(
                "KL(T || P), nats", f"{fit.after.kl:.3f}", f"from {fit.before.kl:.3f}", delta_description=fit.verdict,
                help="How far the shares of the matches, P, are from the classes of the task, T: 0 for the same. "
                "P is over all entries that match. Half a text is added to each, so that a name that matches nothing "
                "does not make it infinite. Names that are no entries are left out of T.",
            )  # fmt: skip


def show_alignment(fit: LabelFit) -> None:
    """KL(T || P) before and after, in sentences."""
    if fit.verdict is None:
        st.info("None of these names is an entry of the metadata, so there is no KL(T || P).", icon=":material/info:")
        return
    st.caption(
        VERDICTS[fit.verdict] + f"KL(T || P) goes from {fit.before.kl:.3f} to {fit.after.kl:.3f} nats. "
        f"T: the {number(fit.found)} names that are entries, weighed by their counts; P: all matches of the pool, "
        f"then those of the pairs kept. {share(fit.before.mass)} of the matches fall on these names before, "
        f"{share(fit.after.mass)} after; among these alone KL goes from {fit.before.within:.3f} to "
        f"{fit.after.within:.3f}. Balancing need not help: in the paper KL gets worse on 7 of 26 tasks."
    )


def show_names(run: Run, fit: LabelFit) -> None:
    """All names, and those without a match with names near them that match."""
    st.subheader("Names", anchor=False)
    titles = {
        "name": "Name", "entry": "Entry", "count": "Texts of the pool", "kept": "Of these kept", "prob": "p",
        "rank": "Rank", "state": "State",
    }  # fmt: skip
    show_table(fit.names, "class names", key="class_names", columns=titles)
    _show_one(fit)
    without = fit.names.filter(pc.equal(fit.names["count"], 0))
    if not len(without):
        return
    st.subheader("Names without a match", anchor=False)
    with st.spinner("Looking for names near them ...", show_time=True):
        near = cached.near_entries(run, tuple(without["name"].to_pylist()))
    told = [", ".join(near.get(name, [])) for name in without["name"].to_pylist()]
    table = without.select(["name", "entry", "state"]).append_column("near", pa.array(told, pa.string()))
    columns = {"name": "Name", "state": "State", "near": "Near it, and in the pool"}
    show_table(table, "names without a match", key="names_without", columns=columns)
    st.caption(
        "Near: singular or plural, words joined or parted otherwise, entries at a small edit distance, and words of "
        "the name itself. All of them match at least one text."
        + (f" Looked for: the first {number(MOST_NEAR_NAMES)}." if len(without) > MOST_NEAR_NAMES else "")
    )


def _show_one(fit: LabelFit) -> None:
    """One of the names, and the way to its pairs."""
    rows = {label(row["name"]): row for row in fit.names.filter(pc.is_valid(fit.names["entry"])).to_pylist()}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        chosen = st.selectbox(
            "Look at one name", list(rows), index=None, placeholder="a name that is an entry", width=320,
            key="label", bind="query-params",
        )  # fmt: skip
        if chosen in rows:
            query = {**st.session_state.get("address", {}), "entry": rows[chosen]["entry"]}
            st.page_link("pages/entries.py", label="Its entry", icon=":material/tag:", query_params=query)
            st.page_link("pages/samples.py", label="Its pairs", icon=":material/photo_library:", query_params=query)
