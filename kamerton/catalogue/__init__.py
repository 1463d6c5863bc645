"""Catalogues: what a run says of many galaxies, in files that other programs read."""
