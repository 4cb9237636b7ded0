"""Sections of summary.md: a ranking in, blocks of markdown out."""
