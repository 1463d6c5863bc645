"""Data: labelled cubes in and out, importers, splitting, the synthetic survey and batches."""
