"""A catalogue looked through page by page, by whoever sorts galaxies."""
