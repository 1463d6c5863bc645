"""FITS files, cubes and cutouts alike: structure, HDUs, checksums, unpacking."""
