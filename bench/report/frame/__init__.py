"""Rows of the report as typed tables: named, ranked, grouped by configuration, placed by cost and score."""
