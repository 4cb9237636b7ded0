"""Sections of summary.md: one module a section, rows in, markdown out."""
