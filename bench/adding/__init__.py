"""Predictions made elsewhere become a run: read the file, check it, bring it into order, store it (`bench add`)."""
