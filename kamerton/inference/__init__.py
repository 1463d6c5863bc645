"""Images in, probabilities out."""
