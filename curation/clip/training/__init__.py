"""Training: the pairs of a run, decoded once, and what goes on from there."""
