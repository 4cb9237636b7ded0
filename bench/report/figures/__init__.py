"""The figures of the report, by file name. matplotlib is imported when one is drawn."""
