"""Broken and hostile files without end, made from sound ones: ``python -m tests.fuzz``."""
