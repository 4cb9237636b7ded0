"""Training: the bank of frozen features, heads, the loop over epochs, and the clock."""
