"""Evaluation: a run tested on a cube."""
