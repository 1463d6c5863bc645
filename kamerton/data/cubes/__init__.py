"""Labelled FITS cubes, read lazily and written in a stream."""
