"""From pictures in folders, or named by a CSV, to a data set in the Kaggle form."""
