r"""Any letters in a FITS file, which holds printable ASCII only: written as escapes, and read back the same.

A header in which ``ESCAPES`` stands has ``\xf3``, ``\u017c`` and ``\U0001f30c`` for the letters with these numbers, and
``\\`` for a backslash: a label header in its class names, a table's in the names of its columns and its text cells.
Where no name needs escapes the card is absent, and every text means what it says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import numpy as np
from astropy.io import fits
from astropy.table import Column, MaskedColumn, Table
from jaxtyping import Shaped

ESCAPES_KEYWORD = "ESCAPES"
ESCAPES_CARD = ("BACKSLASH", "\\x, \\u, \\U stand for letters, \\\\ for \\")

CARD_BYTES, VALUE_AT = 80, 10

CARD_TEXT = 68
"""Letters of a text in one card; a longer one runs on over CONTINUE cards."""

ESCAPE = re.compile(r"\\(?:\\|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")

STRING = re.compile(r" *'((?:[^']|'')*)'")
"""A text in a card; a quote inside is doubled (FITS standard 4.0, section 4.2.1)."""


def to_ascii(text: str) -> str:
    """Write other letters as escapes, for a reader: a backslash stays as it is, so the text cannot be read back."""
    return "".join(letter if letter.isascii() and letter.isprintable() else _escape(letter) for letter in text)


def printable(text: str) -> str:
    """Write as escapes what no terminal should be given: control characters, and bytes of a name that are no UTF-8."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(letter: str) -> str:
    # Python's own, which gives no \n and \t where it is asked letter by letter.
    number = ord(letter)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def escaped(text: str) -> str:
    """Write a text in printable ASCII, so that `unescaped` gives it back."""
    return to_ascii(text.replace("\\", "\\\\"))


def unescaped(text: str) -> str:
    """Give the text that `escaped` wrote; what is no escape of a printable letter stays as it stands."""
    return ESCAPE.sub(_letter, text)


def _letter(found: re.Match[str]) -> str:
    digits = found[1] or found[2] or found[3]
    if digits is None:
        return "\\"
    letter = chr(min(int(digits, 16), 0x10FFFF))
    return letter if letter.isprintable() else found[0]


def fits_cards(texts: Iterable[str]) -> bool:
    """Tell whether every reader takes these texts out of a header's cards as they are."""
    return all(map(_fits_card, texts))


def _fits_card(text: str) -> bool:
    if not (text.isascii() and text.isprintable() and text.strip() == text != ""):
        return False
    # Astropy takes a quote before a slash for the end of the text, and some readers lose signs where a card ends.
    return not re.search(r"' */", text) and not (len(text.replace("'", "''")) > CARD_TEXT and re.search("['&]", text))


def card_text(text: str) -> str:
    """Write a text for a card of a header with ``ESCAPES``, with nothing in it that a reader may take for its end."""
    inner = text.strip(" ")
    before, _, after = text.partition(inner) if inner else (text, "", "")
    blanks = (r"\x20" * len(before), r"\x20" * len(after))
    return escaped(inner).replace("'", r"\x27").replace("&", r"\x26").join(blanks)


def with_comment(text: str, comment: str) -> tuple[str, str]:
    """Cut a card's comment to what the text leaves of it; beyond one card the comment has one of its own."""
    taken = len(text.replace("'", "''"))
    return (text, comment) if taken > CARD_TEXT else (text, comment[: max(0, CARD_TEXT - 3 - max(8, taken))])


def read_card(header: fits.Header, keyword: str) -> str:
    """Read a text from a header as the standard has it; a value of another type is written as Python does."""
    card = header.cards[keyword]
    text = _standard_text(str(card.image)) if isinstance(card.value, str) else None
    text = str(card.value).strip() if text is None else text
    return unescaped(text) if ESCAPES_KEYWORD in header else text


def _standard_text(image: str) -> str | None:
    """Take the text out of a card and the CONTINUE cards after it; None where it stands otherwise, as by HIERARCH."""
    pieces: list[str] = []
    for start in range(0, len(image), CARD_BYTES):
        found = STRING.match(image[start + VALUE_AT : start + CARD_BYTES])
        if found is None:
            return None
        pieces.append(found[1].replace("''", "'").rstrip(" "))
    return ("".join(piece.removesuffix("&") for piece in pieces[:-1]) + pieces[-1]).strip(" ")


def escape_table(table: Table) -> bool:
    """Escape names and text cells of a table in place where any of them needs it, and tell whether that was so."""
    texts = [name for name in table.colnames if table[name].dtype.kind == "U"]
    plain = fits_cards(table.colnames) and all(_is_ascii(np.asarray(table[name]).flat) for name in texts)
    if not plain:
        for name in texts:
            table[name] = _each(escaped, table[name])
        table.rename_columns(table.colnames, [card_text(name) for name in table.colnames])
    return not plain


def unescape_table(table: Table) -> None:
    """Undo `escape_table` in place."""
    for name in table.colnames:
        if table[name].dtype.kind == "U":
            table[name] = _each(unescaped, table[name])
    table.rename_columns(table.colnames, [unescaped(name) for name in table.colnames])


def _each(change: Callable[[str], str], cells: Column) -> Shaped[np.ndarray, "*axes"]:
    texts = np.asarray(cells.filled("") if isinstance(cells, MaskedColumn) else cells)
    return np.array([change(str(text)) for text in texts.flat], np.str_).reshape(texts.shape)


def _is_ascii(cells: Iterable[object]) -> bool:
    return all(text.isascii() and text.isprintable() for text in map(str, cells))
