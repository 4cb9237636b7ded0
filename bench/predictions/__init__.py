"""Predictions: added from elsewhere, made for pictures, exported, submitted."""
