"""One galaxy a file: pictures and FITS cutouts, as pixels."""
