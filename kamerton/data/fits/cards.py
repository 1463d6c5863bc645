"""The cards of a FITS header, read so strictly that no other reader can read them otherwise.

Of two cards of one name Astropy takes now the first, now the last; it knows keywords in small letters, values before
column 9, and an END that something follows. Whoever checks a header must read what Astropy will: so a header that can
be read in two ways is refused (FITS standard 4.0, sections 4.1, 4.2 and 4.4.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kamerton.errors import FitsError

STRUCTURAL = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|GROUPS|EXTNAME|CHECKSUM|DATASUM|BSCALE|BZERO|BLANK|CLASS\d+|"
    r"TFIELDS|THEAP|T(?:FORM|TYPE|DIM|SCAL|ZERO|NULL)\d+|"
    r"Z(?:IMAGE|TENSION|SIMPLE|BITPIX|NAXIS\d*|TILE\d+|CMPTYPE|NAME\d+|VAL\d+|QUANTIZ|DITHER0|BLANK|SCALE|ZERO)"
)
"""The keywords that decide what a file holds, and where; all others are text to a reader."""

REPEATED = {"EXTNAME", "BSCALE", "BZERO", "BLANK", "CHECKSUM", "DATASUM"}
"""Keywords that some surveys write twice; where both cards say the same, nobody can read them otherwise."""

BITPIX = (8, 16, 32, 64, -32, -64)

MAX_AXES = 999
"""Axes of an image, as the standard has it."""

KEYWORD_LENGTH, INDICATOR, END_CARD = 8, "= ", "END".ljust(80)

LIKE_END = re.compile(r"END *([^A-Z0-9_ -]|$)")
"""Astropy takes a card for the last one that begins so, with or without a warning."""

RECORD_VALUED = re.compile(r" *'[A-Za-z_]\w*(\.\w+)*: +[+-]?[\d.]")
"""A text such as 'a.b: 1', which Astropy takes for a keyword of its own (a proposal to FITS WCS paper IV)."""

INTEGER = re.compile(r" *([+-]?\d{1,20}) *(/.*)?")
NUMBER = re.compile(r" *[+-]?(\d+\.?\d*|\.\d+)([ED][+-]?\d{1,4})? *(/.*)?")
TEXT = re.compile(r" *'((?:[^']|''(?! */))*?) *' *(/.*)?")
"""A quote is written twice. Before a slash Astropy takes it for the end of the text, so there it is none."""


class Header:
    """A header as far as it was read: ``cards`` maps keywords to values as they stand."""

    def __init__(self, where: str, start: int) -> None:
        self.where, self.start = where, start
        self.cards: dict[str, str] = {}
        self._last = ""

    def add(self, card: str) -> bool:
        """Take one more card, and tell whether it is the last; FitsError for one that two readers read differently."""
        if card == END_CARD:
            return True
        if LIKE_END.match(card):
            raise self.broken("has something behind END", "END and 77 blanks")
        for keyword in _possible_keywords(card, self._last):
            if STRUCTURAL.fullmatch(keyword):
                self._check_structural(card, keyword)
        self._last = card[:KEYWORD_LENGTH].rstrip()
        if card[KEYWORD_LENGTH:].startswith(INDICATOR):
            self.cards.setdefault(self._last, card[KEYWORD_LENGTH + len(INDICATOR) :])
        return False

    def _check_structural(self, card: str, keyword: str) -> None:
        if not card.startswith(f"{keyword:8}{INDICATOR}"):
            raise self.broken(
                f"has {keyword} in an unusual card, {card.rstrip()[:40]!r}", f"{keyword:8}= from column 1"
            )
        if not (card.isascii() and card.isprintable()):
            raise self.broken(f"has {keyword} with other signs than text", "printable ASCII")
        value = card[KEYWORD_LENGTH + len(INDICATOR) :]
        if RECORD_VALUED.match(value):
            raise self.broken(f"has {keyword} = {value.strip()}, a record by itself", "a plain value")
        same = keyword in REPEATED and _meaning(self.cards.get(keyword, "")) == _meaning(value)
        if keyword in self.cards and not same:
            raise self.broken(f"has {keyword} twice", "one card of this name")

    def value(self, keyword: str) -> str:
        """Give a value without its comment and blanks; empty where there is none."""
        return _meaning(self.cards.get(keyword, ""))

    def integer(self, keyword: str, lowest: int = 0, highest: int = 2**63 - 1) -> int:
        """Give a whole number of this range; FitsError where there is none."""
        found = INTEGER.fullmatch(self.cards.get(keyword, ""))
        if found is None or not lowest <= int(found[1]) <= highest:
            raise self._bad(keyword, f"a whole number from {lowest} to {highest}")
        return int(found[1])

    def text(self, keyword: str) -> str:
        """Give a text without the blanks at its end; FitsError where there is none."""
        found = TEXT.fullmatch(self.cards.get(keyword, ""))
        if found is None:
            raise self._bad(keyword, "a text such as 'IMAGE   '")
        return found[1].replace("''", "'")

    def is_true(self, keyword: str) -> bool:
        """Tell whether a logical value is T."""
        return self.value(keyword) == "T"

    def check_number(self, keyword: str) -> None:
        """Refuse a value that is no number (FitsError)."""
        if not NUMBER.fullmatch(self.cards[keyword]):
            raise self._bad(keyword, "a number")

    def _bad(self, keyword: str, allowed: str) -> FitsError:
        stands = f"has {keyword} = {self.value(keyword)}" if keyword in self.cards else f"has no {keyword}"
        return self.broken(stands, f"{keyword}, {allowed}")

    def broken(self, what: str, allowed: str) -> FitsError:
        """Say what is wrong with this header."""
        return FitsError(
            f"{self.where}: cannot be read as FITS: the header at byte {self.start} {what}",
            allowed=allowed,
            next_step="check that the file arrived whole, and fetch or write it again",
        )


def _meaning(value: str) -> str:
    """Take the comment off a value, and the blanks that mean nothing."""
    text = TEXT.fullmatch(value)
    return f"'{text[1]}'" if text else value.split("/", maxsplit=1)[0].strip()


def _possible_keywords(card: str, last: str) -> Iterator[str]:
    """Give whatever some reader may take for the keyword, in capitals and without leading zeros of its number."""
    field = card[:KEYWORD_LENGTH]
    names = [field, field.partition("=")[0]]
    if field.strip().upper() == "HIERARCH":
        names.append(card[KEYWORD_LENGTH:].partition("=")[0])
    if field.strip().upper() == "CONTINUE" and not last.startswith("CLASS"):
        # It goes on with the text before it, for some readers.
        names.append(last)
    for name in dict.fromkeys(name.strip().upper() for name in names):
        yield re.sub(r"(?<=[A-Z])0+(?=[1-9])", "", name)
