"""A deliberately naive writer, the negative control: no temporary names, no receipts; a part that is there is done."""

import json
import sys
import time
from pathlib import Path

PARTS, LINES = 8, 40


def work(folder: Path, pause: float = 0.0) -> None:
    for number in range(PARTS):
        part = folder / f"{number:05d}.txt"
        if part.exists():
            continue
        with part.open("wb", buffering=0) as file:
            for line in _lines(number):
                file.write(line)
                time.sleep(pause)
        (folder / "state.json").write_bytes(_state(number))


def expected() -> dict[str, bytes]:
    """What an undisturbed folder holds."""
    parts = {f"{number:05d}.txt": b"".join(_lines(number)) for number in range(PARTS)}
    return {**parts, "state.json": _state(PARTS - 1)}


def _lines(number: int) -> list[bytes]:
    return [f"pair-{number:02d}-{line:03d} {'a dog ' * 20}\n".encode() for line in range(LINES)]


def _state(number: int) -> bytes:
    return json.dumps({"done": number + 1, "of": PARTS}).encode()


if __name__ == "__main__":
    try:
        work(Path(sys.argv[1]), pause=0.001)
    except OSError as error:
        sys.exit(f"naive: {error}")
