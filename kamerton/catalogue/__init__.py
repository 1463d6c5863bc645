"""Labelling new galaxies: a frozen manifest, shards that survive a kill, files that every program opens."""
