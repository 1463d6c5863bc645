"""The real browser in which the page is tried."""

from __future__ import annotations

import itertools
import shutil

import pytest

from kamerton.config.serving import LANGUAGES

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

EVERY_PAIRING = tuple(itertools.product(LANGUAGES, (1280, 390)))
"""Of a language and the width of a window in pixels, of a desk and of a phone: each flow is tried in all of them."""

once = pytest.mark.parametrize("page", [("pl", 1280)], indirect=True, ids=["pl-1280"])
"""For what neither language nor width can change, such as keys."""
