"""The metrics of a training, as it writes them."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from curation import files
from curation.clip.training.folder import METRICS, read_metrics


class Metrics:
    """The lines of metrics.jsonl; those behind the step that a training goes on from are taken back.

    The file is replaced with each line, so that whoever reads it finds whole lines. That it cannot be written, on a
    full disk, never stops a training: the next line brings the lost ones.
    """

    def __init__(self, path: Path, step: int, on_line: Callable[[dict[str, Any]], None]) -> None:
        self._path = path / METRICS
        self._on_line = on_line
        self.lines = [line for line in read_metrics(path) if line["step"] <= step]
        self._write()

    def add(self, **line: Any) -> None:
        """One more line."""
        self.lines.append(line)
        self._on_line(line)
        self._write()

    def _write(self) -> None:
        with suppress(OSError), files.whole(self._path) as temporary:
            temporary.write_text("".join(json.dumps(line) + "\n" for line in self.lines), encoding="utf-8")
