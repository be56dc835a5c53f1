"""What came of a ladder so far: the sentence, the figures and the tables; arm by arm while it is climbed."""

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from curation import figures_ladder
from curation.class_lists import ClassList
from curation.clip.ladder.config import Rung
from curation.clip.ladder.folder import Ladder
from curation.clip.ladder.rescued import rescued
from curation.clip.ladder.summary import sentence
from curation.clip.training.config import WORDS
from curation.errors import CurationError
from curation.runs.folder import Run, open_finished_run
from curation.runs.workspace import ladders_folder, workspace
from curation.ui import cached
from curation.ui.charts import show_figure
from curation.ui.tables import show_downloads, show_table
from curation.ui.text import counted, label, number
from curation.ui.train_evaluation import is_synthetic
from curation.ui.train_show import PHASES
from curation.ui.watching import ACTIVE, phase_line
from curation.ui.works import Kind, run_name


def _about(ladder: Ladder) -> str:
    config = ladder.config
    seeds, samples = counted(len(config.seeds), "seed"), number(config.train.samples)
    return f"{run_name(ladder)} · t = {number(config.t)} · {samples} samples each · {seeds} · {config.train.model}"


def _came_to(ladder: Ladder) -> str:
    done, total = len(ladder.judged), len(ladder.config.trainings)
    return "" if ladder.state == "done" else f"{number(done)} of {number(total)} trainings"


def _show(ladder: Ladder) -> None:
    if ladder.state in ACTIVE:
        _show_progress(ladder)
    found, cells = cached.ladder_results(ladder)
    if not len(found):
        st.caption("Results appear arm by arm, as each training is done.")
        return
    st.subheader(sentence(found), anchor=False)
    if is_synthetic(ladder.config.train.evaluate):
        st.caption(
            "On a synthetic world: its pictures and captions are made up, so this says how the arms behave on such a "
            "pool, and nothing about photographs."
        )
    _show_arms(ladder, found)
    _show_sweep(found)
    _show_classes(ladder, cells)


def _show_progress(ladder: Ladder) -> None:
    if (line := phase_line(ladder.path, {"train": "All trainings together"})) is not None:
        st.progress(*line)
    trainings, done = ladder.config.trainings, ladder.judged
    if len(done) < len(trainings):
        rung, seed = next(one for one in trainings if one not in done)
        told = phase_line(ladder.folder_of(rung, seed), PHASES)
        which = f"Training {len(done) + 1} of {len(trainings)}: {words(rung)}, seed {seed}"
        st.text(which + (f". {told[1]}" if told else ""))


def words(rung: Rung) -> str:
    """What a rung is called.

    >>> words(Rung("balanced", 20.0)), words(Rung("raw"))
    ('Balanced, t = 20', 'Raw')
    """
    name = figures_ladder.ARMS[rung.arm][0]
    return name if rung.t is None else f"{name}, t = {number(rung.t)}"


def _show_arms(ladder: Ladder, found: pa.Table) -> None:
    """The arms at the t of the ladder, beside each other."""
    arms = [rung.key for rung in ladder.config.rungs if rung.t in (None, ladder.config.t)]
    of_arms = found.filter(pc.is_in(found["rung"], pa.array(arms)))
    show_figure(figures_ladder.accuracy_by_arm(of_arms), "ladder_arms", "Accuracy by arm, for each group of classes")
    seeds = max(found["seeds"].to_pylist())
    st.caption(
        "Zero-shot top-1 accuracy with 95 % intervals. Head, middle and tail are thirds of the classes by how many "
        "texts of the pool hold their name. "
        + (
            "Intervals hold what other pictures and other seeds would change."
            if seeds > 1
            else "With one seed intervals hold what other pictures would change, not what other seeds would."
        )
    )
    show_table(_by_rung(ladder, found), "ladder", key="ladder_table", columns=TITLES)
    show_downloads(found, "accuracies", key="ladder_accuracies", about="Every group with its intervals as")


TITLES = {
    "arm": "Arm", "t": "t", "items": "Pairs", "passes": "Passes", "seeds": "Seeds", "all": "All, %",
    "head": "Head, %", "middle": "Middle, %", "tail": "Tail, %", "gain": "Over matched, points",
    "gain_low": "from", "gain_high": "to",
}  # fmt: skip


def _by_rung(ladder: Ladder, found: pa.Table) -> pa.Table:
    """A row a rung: what it saw, its accuracy in per cent by group, and its gain over matched in points."""
    rows: dict[str, dict[str, object]] = {}
    for cell in sorted(found.to_pylist(), key=figures_ladder.by_arm_and_t):
        row = rows.setdefault(cell["rung"], dict.fromkeys(TITLES))
        row[cell["group"]] = _points(cell["accuracy"])
        if cell["group"] == "all":
            row |= {"arm": WORDS[cell["arm"]], "t": cell["t"], "items": cell["items"], "seeds": cell["seeds"]}
            row["passes"] = None if cell["passes"] is None else round(cell["passes"], 1)
            if cell["arm"] != "matched":
                row |= {name: _points(cell[name]) for name in ("gain", "gain_low", "gain_high")}
    whole = {"items": pa.int64(), "seeds": pa.int64(), "arm": pa.string()}
    return pa.Table.from_pylist(
        list(rows.values()), pa.schema([(name, whole.get(name, pa.float64())) for name in TITLES])
    )


def _points(value: float | None) -> float | None:
    return None if value is None else round(100 * value, 1)


def _show_sweep(found: pa.Table) -> None:
    st.subheader("At every t that was tried", anchor=False)
    balanced = found.filter(pc.equal(found["arm"], "balanced"))
    if len(set(balanced["t"].to_pylist())) < 2:
        st.caption("Only one t so far. The full ladder trains at a tenth of it, a third, three and ten times it too.")
        return
    show_figure(figures_ladder.accuracy_by_t(found), "ladder_sweep", "Accuracy by t, for each group of classes")
    st.caption(
        "A low t keeps few pairs, which are seen more often; with a high t nothing is capped, and the set is that of "
        "matched (dashed, in the colour of its group). Bars are 95 % intervals."
    )


def _show_classes(ladder: Ladder, cells: pa.Table) -> None:
    st.subheader("Which t rescued which tail classes", anchor=False)
    classes = rescued(cells)
    if not len(classes):
        st.caption("There is no tail here: every class is about as frequent in the pool as the others.")
        return
    named = {rung.key: words(rung) for rung in ladder.config.rungs}
    figure = figures_ladder.accuracy_by_class(cells, "tail", named)
    show_figure(figure, "ladder_classes", "Accuracy of each tail class, by arm and t")
    pictures = max(classes["pictures"].to_pylist())
    st.caption(
        f"Share of the pictures of each tail class that are known; {number(len(classes))} have pictures, the most "
        f"frequent in the pool on top. A class has {counted(pictures, 'picture')} at most, so single cells are coarse. "
        "The best t is chosen by the accuracy that is told, which flatters it: read the whole, not a row."
    )
    table = classes
    for name in ("matched", "accuracy", "gain"):
        percent = pc.round(pc.multiply(classes[name], 100.0), 1)
        table = table.set_column(table.column_names.index(name), name, percent)
    titles = {
        "class": "Class", "count": "Texts of the pool", "matched": "Matched, %", "t": "Best t",
        "accuracy": "There, %", "gain": "Gain, points", "pictures": "Pictures",
    }  # fmt: skip
    row = show_table(
        table, "tail classes", key="ladder_rescued", columns=titles, height=380,
        select=ladder.state not in ACTIVE,
    )  # fmt: skip
    if row is not None:
        _show_way(ladder, table["class"][row].as_py())
    elif ladder.state not in ACTIVE:
        st.caption("Select a row for the way to its entry.")
    show_downloads(cells, "accuracy by class", key="ladder_by_class", about="All classes at every arm and t as")


def _show_way(ladder: Ladder, name: str) -> None:
    """The way to the entry of a class, in the run of the ladder."""
    try:
        run: Run = open_finished_run(ladder.run)
        fit = cached.labels(run, ClassList((name,), (1.0,)), ladder.config.t, "best")
    except CurationError:
        st.caption("The run of this ladder is gone.")
        return
    entry = fit.names["entry"][0].as_py()
    if entry is None or run.path.parent != workspace():
        st.caption("Its name is no entry of the run.")
        return
    query = {"run": run.path.name, "t": f"{ladder.config.t:.15g}", "entry": entry}
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(label(name), width="content")
        st.page_link("pages/entries.py", label="Its entry", icon=":material/tag:", query_params=query)
        st.page_link("pages/samples.py", label="Its pairs", icon=":material/photo_library:", query_params=query)


LADDER = Kind(
    work=Ladder,
    folder=ladders_folder,
    command="climb",
    about=_about,
    came_to=_came_to,
    show=_show,
    buttons=lambda ladder: None,
    title="Ladders",
    nothing="There is no ladder yet.",
)
