"""The app without a browser: every page is run as the front door runs it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from curation.pool.decoder import Decoder
from curation.runs import job
from curation.runs.folder import Run, write_info
from curation.ui import thumbnails
from misbehave import environment_of_tests

APP = Path(__file__).parents[2] / "app.py"


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which `make_run` makes runs is the one the app shows."""
    monkeypatch.setenv("HEADTAIL_RUNS", str(tmp_path))
    monkeypatch.delenv("HEADTAIL_RUN", raising=False)
    return tmp_path


class Page:
    """The app in one browser tab, and what the tests read off it."""

    def __init__(self, page: str | None = None, **query: str) -> None:
        self.app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in query.items():
            self.app.query_params[name] = value
        self.app.run()
        if page is not None:
            self.go(page)

    def go(self, page: str) -> None:
        self.app.switch_page(f"pages/{page}.py").run()

    def open(self, key: str, what: object = True) -> None:
        """Open a popover, or one of several tabs: what is behind it is not there before."""
        self.app.session_state[key] = what
        self.app.run()

    def set_t(self, t: float) -> None:
        self.app.number_input(key="t_number").set_value(t).run()

    @property
    def live(self) -> dict[str, Any]:
        """What the live chart is told: `at`, the numbers at t, and the marks."""
        return self.component("live_chart")

    @property
    def numbers(self) -> dict[str, str]:
        """The metrics of the page by their label."""
        return {metric.label: metric.value for metric in self.app.metric}

    @property
    def texts(self) -> list[str]:
        return [text.value for text in self.app.text]

    @property
    def captions(self) -> str:
        return "\n".join(caption.value for caption in self.app.caption)

    @property
    def figure(self) -> dict:
        (chart,) = self.app.get("plotly_chart")
        return json.loads(chart.proto.spec)

    def table(self, name: str) -> Any:
        """What a table with this name shows, as a data frame."""
        (found,) = (frame for frame in self.app.dataframe if frame.proto.alt == name)
        return found.value

    @property
    def components(self) -> set[str]:
        """Which components of ours are on the page."""
        return {c.proto.component_name.removeprefix("headtail_") for c in self.app.get("bidi_component")}

    def component(self, name: str) -> dict:
        """What the browser gets of a component of ours."""
        (found,) = (
            c.proto
            for c in self.app.get("bidi_component")
            if c.proto.component_name == f"headtail_{name}" and c.proto.WhichOneof("data") != "bytes"
        )
        return json.loads(found.mixed.json if found.WhichOneof("data") == "mixed" else found.json)

    @property
    def cards(self) -> list[dict]:
        return self.component("gallery")["cards"]

    @property
    def shown(self) -> list[str]:
        """The captions of the cards."""
        return ["".join(text for text, _, _ in card["parts"]) for card in self.cards]


@pytest.fixture
def open_page() -> Callable[..., Page]:
    """Open a page of the app as a new browser tab does; nothing may go wrong unless it is said to."""

    def open_it(page: str | None = None, **query: str) -> Page:
        opened = Page(page, **query)
        assert not opened.app.exception
        return opened

    return open_it


@pytest.fixture
def hostile_decoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Decoder]:
    """The children that decode for the app do what an image of `misbehave.decode` says; the process of the app does not
    decode.
    """
    monkeypatch.setenv("PYTHONPATH", environment_of_tests()["PYTHONPATH"])
    monkeypatch.setattr("curation.pool.decode.rgb", lambda *_: pytest.fail("decoded in the process of the app"))
    made = Decoder("misbehave:decode", seconds=2)
    monkeypatch.setattr(thumbnails, "decoder", made)
    yield made
    made.stop()


@pytest.fixture
def edit_run_json() -> Callable[..., None]:
    """Change what run.json says."""

    def edit(path: Path, **values: object) -> None:
        write_info(path, {**json.loads((path / "run.json").read_text()), **values})

    return edit


@pytest.fixture
def zipf_workspace(zipf_run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The app shows the shared run over 4,000 pairs."""
    monkeypatch.setenv("HEADTAIL_RUNS", str(zipf_run.path.parent))
    return zipf_run


@pytest.fixture
def started(monkeypatch):
    """What jobs were asked for; none is started."""
    asked = []
    monkeypatch.setattr(job, "start", lambda path, command="run": asked.append((command, path)))
    return asked
