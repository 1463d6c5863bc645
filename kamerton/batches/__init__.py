"""Galaxies on their way to a network: all of the data that knows PyTorch."""
