"""The ladder: the arms of the paper, trained on one pool at equal samples seen, and what came of each."""
