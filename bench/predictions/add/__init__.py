"""`bench add`: predictions made elsewhere become a run."""
