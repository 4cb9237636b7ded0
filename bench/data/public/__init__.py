"""Public data sets: Petals to the Metal from Kaggle, others through tensorflow-datasets."""
