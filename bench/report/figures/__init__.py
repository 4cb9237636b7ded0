"""The figures of the report. matplotlib is imported when one is drawn."""
