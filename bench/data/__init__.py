"""Data: from a name or a folder to checked records and batches of pictures."""
