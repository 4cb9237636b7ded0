"""The embedded data set `sample`: flowers drawn by procedure, the same pixels on every machine."""
