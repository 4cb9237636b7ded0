"""One subcommand, one function, one file. Only typer is imported at the top: `--help` answers at once."""
