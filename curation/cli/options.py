"""The options that several commands share, and those that a configuration gives to a command."""

from dataclasses import Field, field, fields, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter, validators

from curation.clip.training.config import TrainConfig
from curation.engines.config import EngineConfig
from curation.runs.config import CurateConfig
from curation.runs.export.options import ExportOptions
from curation.wikipedia.config import SelectionConfig


def _parameter_of(option: Field[Any]) -> Parameter:
    """The name, help and group of a field as an option of a command."""
    group = {"group": option.metadata["group"]} if "group" in option.metadata else {}  # None would hide it
    return Parameter(option.metadata.get("flag"), help=option.metadata["help"], **group)


def _options_of(config: type, without: frozenset[str] = frozenset()) -> Any:
    """The configuration dataclass as options of a command: names, defaults and help stand in its fields alone."""
    made = [
        (f.name, Annotated[f.type, _parameter_of(f)], field(default=f.default))
        for f in fields(config)
        if f.name not in without
    ]
    # cyclopts looks into a dataclass only if it belongs to a module that is not the standard library's
    namespace = {"__module__": __name__}
    return make_dataclass(f"{config.__name__}Options", made, frozen=True, kw_only=True, namespace=namespace)


OF_RUNGS = frozenset({"arm", "t", "seed", "evaluate", "evaluations"})
"""What differs between the rungs of a ladder, or belongs to the ladder."""

if TYPE_CHECKING:
    CurateOptions = CurateConfig
    EngineOptions = EngineConfig
    LadderOptions = TrainConfig
    SelectionOptions = SelectionConfig
    TrainOptions = TrainConfig
    WriteOptions = ExportOptions
else:
    CurateOptions = _options_of(CurateConfig)
    EngineOptions = _options_of(EngineConfig)
    LadderOptions = _options_of(TrainConfig, OF_RUNGS)
    SelectionOptions = _options_of(SelectionConfig)
    TrainOptions = _options_of(TrainConfig)
    WriteOptions = _options_of(ExportOptions)
SHOWN_FILES = 20
COUNT, PORT = validators.Number(gte=0), validators.Number(gte=1, lte=65535)
Workers = Annotated[
    int, Parameter(validator=COUNT, help="how many units of work at a time; 0: as many as there are cores")
]
Json = Annotated[bool, Parameter("--json", negative="", help="print JSON for machines")]
Output = Annotated[Path, Parameter(["--output", "-o"])]
Pool = Annotated[
    tuple[str, ...],
    Parameter(negative="", show_default=False, help="files, folders or patterns, of any format (docs/pools.md)"),
]
Unigrams = Annotated[
    Path | None, Parameter(help="counts of words: .parquet (n, gram, count) or .tsv[.gz] (gram, count)")
]
Bigrams = Annotated[
    Path | None, Parameter(help="counts of pairs of words, in the same forms; may be the same .parquet")
]
Titles = Annotated[
    tuple[Path, ...],
    Parameter(
        consume_multiple=True,
        negative="",
        show_default=False,
        help="hourly pageviews files, or .tsv[.gz] (title, views)",
    ),
]
Compat = Annotated[
    Literal["metaclip"] | None, Parameter(help="repeat what the original list does, slips included (docs/metadata.md)")
]
RunFolder = Annotated[Path, Parameter(help="run folder")]
