"""Runs: a run is a folder. `docs/run-folder.md` defines what is in it."""
