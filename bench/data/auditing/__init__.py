"""What is in a data set, and what in it would make scores wrong."""
