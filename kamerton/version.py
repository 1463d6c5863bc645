"""Kamerton's version, and where its own files are."""

from pathlib import Path

__version__ = "0.1.0"

PACKAGE = Path(__file__).parent
"""The folder of the package."""
