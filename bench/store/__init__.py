"""The run store: files of a run, results, metrics, and selection of runs."""
