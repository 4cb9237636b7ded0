"""Public data sets, fetched and brought into the Kaggle form."""
