"""What to take for a budget, from saved predictions alone (`bench recommend`)."""
