"""Galaxy10 DECaLS: its classes and where it is published (Leung & Bovy 2019; Zenodo record 10845026)."""

CLASS_NAMES = (
    "Disturbed",
    "Merging",
    "Round Smooth",
    "In-between Round Smooth",
    "Cigar Shaped Smooth",
    "Barred Spiral",
    "Unbarred Tight Spiral",
    "Unbarred Loose Spiral",
    "Edge-on without Bulge",
    "Edge-on with Bulge",
)
"""Class names in the order of their index, 0 to 9."""

ROW_ID = "galaxy10-"
"""How the id begins of a galaxy that has none but its row in an HDF5 file of this form."""

FILE_NAME = "Galaxy10_DECals.h5"
URL = "https://zenodo.org/records/10845026/files/Galaxy10_DECals.h5"
SHA256 = "19aefc477c41bb7f77ff07599a6b82a038dc042f889a111b0d4d98bb755c1571"
"""As published with the file and checked by astroNN's loader."""
