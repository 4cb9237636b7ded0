"""`bench add`: stores predictions of other programs as a run."""
