"""Big read-only arrays: folders of .npy files that all workers of a machine map into memory together."""

from pathlib import Path


def on_this_node(folder: Path) -> Path:
    """Where the arrays of a folder are to be mapped from in this process."""
    return folder


def seal(folder: Path) -> None:
    """The folder is complete, and nothing in it will change."""
