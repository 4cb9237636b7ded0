"""Analysis of a store: rows, prices, the report, recommendations."""
