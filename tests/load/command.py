"""The command line of the driver."""

import argparse
import json
from pathlib import Path

from curation.runs.folder import open_run
from load.driver import KEPT_AFTER_S, Job, drive, table


def main(about: str) -> int:
    """about: what the command does; returns its exit code"""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="the folder of a finished run")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--curation", metavar="POOL", help="curate this pool meanwhile")
    parser.add_argument("--metadata", type=Path, help="of the curation")
    given = parser.parse_args()
    if given.curation and not given.metadata:
        parser.error("--curation needs --metadata FILE")
    job = Job(given.curation, given.metadata) if given.curation else None
    run = open_run(given.run.resolve())
    found = drive(run, given.sessions, given.seconds, job=job, after_s=KEPT_AFTER_S + 60.0)
    print(table(found))  # noqa: T201
    print(json.dumps({**found, "errors": len(found["errors"]), "mixed": len(found["mixed"])}))  # noqa: T201
    return int(bool(found["errors"] or found["mixed"]))
