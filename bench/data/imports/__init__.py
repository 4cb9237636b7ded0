"""Imports: pictures in folders or named by a CSV become TFRecord shards."""
