"""Named recipes: one TOML file each, complete by itself."""
