"""Predictions: added from files, made for pictures, exported, submitted."""
