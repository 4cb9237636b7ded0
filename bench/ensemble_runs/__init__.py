"""Ensembles of stored runs: candidates, methods, the fit and its cross-fitted score, diagnostics, comparison."""
