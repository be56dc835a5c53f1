"""Exports: the curated set of a run, for other tools. `docs/exports.md` defines what is in them."""
