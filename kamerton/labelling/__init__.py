"""Which labels are probably wrong, and cubes with the labels that a person decided on."""
