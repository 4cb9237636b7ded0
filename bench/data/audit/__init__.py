"""Audits of data sets: copies across splits, damaged records, labels."""
