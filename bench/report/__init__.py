"""The report: rows of results in, one markdown page, one CSV and a few figures out. Start at `bench.report.build`."""
