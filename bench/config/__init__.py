"""Configuration: recipes, schedules, heads and runs, validated and named by a hash of their content."""
