"""Features of frozen backbones: extraction in one pass, banks on disk, heads trained on them."""
