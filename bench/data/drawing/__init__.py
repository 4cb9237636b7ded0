"""Procedural pictures of flowers, the same pixels on every machine: numpy, float64 and integers only."""
