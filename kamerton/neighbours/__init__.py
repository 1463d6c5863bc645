"""Galaxies beside each other in what a network sees: which are alike, and which to label next."""
