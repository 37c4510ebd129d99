"""Variances and means of small circuits from their matrices: nothing here imports the package."""
