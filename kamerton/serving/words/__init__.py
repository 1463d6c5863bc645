"""The words of the page: a module a part, with the same keys in every language."""

from __future__ import annotations

from types import SimpleNamespace

from kamerton.config.serving import LANGUAGES
from kamerton.serving.words import browse, classify, frame, runs

PARTS = {"frame": frame.WORDS, "classify": classify.WORDS, "browse": browse.WORDS, "runs": runs.WORDS}
"""By the part's name, then by language."""

WORDS = {
    lang: SimpleNamespace(**{part: SimpleNamespace(**words[lang]) for part, words in PARTS.items()})
    for lang in LANGUAGES
}
"""By language; a template says ``w.PART.KEY``."""
