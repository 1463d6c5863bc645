"""A synthetic survey of galaxies."""
