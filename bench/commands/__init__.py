"""One file per subcommand: parses options, calls `bench.api`, prints. Only typer is imported at the top."""
