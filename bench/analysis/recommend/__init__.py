"""`bench recommend`: the best run, ensemble or cascade for a budget."""
