"""The matrix: from a request to named runs, jobs and child processes."""
