"""What no module of the program may do, read off its source."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted([ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "curation").rglob("*.py")])

FORBIDDEN = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "duckdb.sql", "duckdb.execute", "duckdb.query",
    "duckdb.read_csv", "duckdb.read_parquet", "torch.hub.load",
}  # fmt: skip
UNPICKLE = {"pickle", "multiprocessing"}  # the connections of the latter unpickle what they receive
FORBIDDEN_MODULES = {*UNPICKLE, "marshal", "shelve", "joblib", "dill", "cloudpickle", "yaml"}
FORBIDDEN_METHODS = {"extractall", "extract"}


ENGINES = ROOT / "curation" / "engines"
"""They hand functions to worker processes that they start; no file is read so."""


def wrong(source, *, unpickles=False):
    """What in a source runs, unpacks or unpickles what it is given; lines of it."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [name.name for name in node.names]
            if names == ["pickle"] and all(name.name == "UnpicklingError" for name in node.names):
                continue  # to catch it, where torch raises it
            forbidden = FORBIDDEN_MODULES - (UNPICKLE if unpickles else set())
            found += [node.lineno for name in names if name.partition(".")[0] in forbidden]
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        if (
            name in FORBIDDEN
            or getattr(node.func, "attr", "") in FORBIDDEN_METHODS
            or options.get("shell", "False") != "False"
            or options.get("allow_pickle", "False") != "False"
            or "persist" in options  # of st.cache_data: pickle on disk
            or (name == "torch.load" and options.get("weights_only") != "True")
        ):
            found.append(node.lineno)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_runs_what_is_given_to_it(path):
    assert wrong(path.read_text(encoding="utf-8"), unpickles=path.parent == ENGINES) == []


@pytest.mark.parametrize(
    "source",
    [
        "eval(x)", "os.system(x)", "import pickle", "from pickle import loads",
        "from multiprocessing.connection import Connection", "tar.extractall()", "torch.load(x)",
        "torch.load(x, weights_only=False)", "np.load(x, allow_pickle=True)", "subprocess.run(x, shell=True)",
        "st.cache_data(persist='disk')", "duckdb.sql(x)",
    ],
)  # fmt: skip
def test_such_a_line_would_be_found(source):
    assert wrong(f"x = 1\n{source}\n") == [2]


def test_there_is_one_way_to_a_database_and_it_is_locked():
    connects = [path for path in MODULES if "duckdb.connect(" in path.read_text(encoding="utf-8")]
    assert [path.name for path in connects] == ["database.py"]


APP = [path for path in MODULES if ROOT / "curation" not in path.parents or ROOT / "curation" / "ui" in path.parents]
DECODERS = {"PIL", "cv2", "imageio", "torchvision", "curation.pool.decode"}


def decoders(source):
    """Lines of a source that import what decodes images."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names = [name.name for name in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{name}" for name in names)]
        if any(name == one or name.startswith(f"{one}.") for name in names for one in DECODERS):
            found.append(node.lineno)
    return found


@pytest.mark.parametrize("path", APP, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_process_of_the_app_decodes_no_image(path):
    assert decoders(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    ["import PIL.Image", "from PIL import Image", "from curation.pool import decode", "import curation.pool.decode",
     "from curation.pool.decode import rgb"],
)  # fmt: skip
def test_a_decoder_in_it_would_be_found(source):
    assert decoders(f"x = 1\n{source}\n") == [2]
    assert decoders("from curation.pool.decoder import Decoder\n") == []


def test_thumbnails_are_made_in_children():
    for name in ("thumbnails", "decoder"):
        assert decoders((ROOT / "curation" / "pool" / f"{name}.py").read_text(encoding="utf-8")) == []
