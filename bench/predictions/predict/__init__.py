"""`bench predict`: pictures classified by stored networks."""
