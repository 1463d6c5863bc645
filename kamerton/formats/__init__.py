"""To and from other programs' model files."""
