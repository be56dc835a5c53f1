"""`python -m curation`: the same as `headtail`."""

from curation.cli import main

main()
