"""Names of columns that need no quoting: in SQL and ADQL, in TOPCAT's expressions, in Python and in the shell."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable

MOST_LETTERS = 48
"""PostgreSQL cuts a name after 63, and ``set_`` or ``_2`` may come to it."""

LETTER = re.compile(r"(?:LATIN|GREEK|CYRILLIC) (?:SMALL|CAPITAL) LETTER (?:FINAL )?(\w+)(?: WITH .+)?")

RESERVED = frozenset(
    """
    abs absolute abstract acos action add all allocate alter and any are area array as asc asin assert assertion at atan
    atan2 authorization avg begin between bigint bit bit_length boolean both box break by byte cascade cascaded case
    cast catalog catch ceiling centroid char char_length character character_length check circle class close coalesce
    collate collation column commit connect connection const constraint constraints contains continue convert
    coord1 coord2 coordsys corresponding cos cot count create cross current current_date current_time
    current_timestamp current_user cursor date day deallocate dec decimal declare def default deferrable deferred
    degrees del delete desc describe descriptor diagnostics disconnect distance distinct do domain double drop elif else
    end enum escape except exception exec execute exists exp extends external extract false fetch final finally
    first float floor for foreign found from full get global go goto grant group having hour identity if ilike immediate
    implements import in in_unit indicator initially inner input insensitive insert instanceof int integer interface
    intersect intersects interval into is isolation join key lambda language last leading left level like limit local
    log log10 long lower match max min minute mod module month names national native natural nchar new next no none
    nonlocal not null nullif numeric octet_length of offset on only open option or order outer output overlaps package
    pad partial pass pi point polygon position power precision prepare preserve primary prior private privileges
    procedure protected public radians raise rand read real references region relative restrict return returning
    revoke right rollback round rows schema scroll second section select session session_user set short sign sin size
    smallint some space sql sqlcode sqlerror sqlstate sqrt static strictfp substring sum super switch synchronized
    system_user table tan temporary then this throw throws time timestamp timezone_hour timezone_minute to top
    trailing transaction transient translate translation trim true truncate try union unique unknown update upper usage
    user using value values varchar varying view void volatile when whenever where while window with work write year
    yield zone
    """.split()  # noqa: SIM905  # so many words are read as a text
)
"""Words of ADQL 2.1 with SQL-92 in it, of PostgreSQL, of Java, in which TOPCAT reads expressions, and of Python."""


def safe_names(names: Iterable[str], taken: Collection[str] = ()) -> list[str]:
    """Write any names in snake_case, each another, none of ``taken``, and none a word of a language.

    Letters become those of ASCII that look or sound like them: ``Długość (″)`` becomes ``dlugosc``, and what has no
    letter at all ``unnamed``. A name that was safe is kept where no other wants it.
    """
    return distinct([_safe(name) for name in names], taken)


def _safe(name: str) -> str:
    safe = words(name) or "unnamed"
    if safe[0].isdecimal():
        return f"c_{safe}"
    return f"{safe}_" if safe in RESERVED else safe


def words(text: str) -> str:
    """Write a text in small letters of ASCII, digits and single underscores between them; perhaps nothing is left."""
    letters = "".join(map(_ascii, unicodedata.normalize("NFKD", text.casefold())))
    return re.sub(r"[^a-z0-9]+", "_", letters).strip("_")[:MOST_LETTERS].rstrip("_")


def _ascii(letter: str) -> str:
    # A mark that stands on the letter before it.
    if unicodedata.combining(letter):
        return ""
    if letter.isascii():
        return letter
    found = LETTER.fullmatch(unicodedata.name(letter, ""))
    return found[1].lower() if found else "_"


def distinct(names: Iterable[str], taken: Collection[str] = ()) -> list[str]:
    """Number the names that come again or are taken, from 2, so that each is there once."""
    wanted = list(names)
    # The first that has a name keeps it, and no number makes one that another has.
    free, used = set(wanted) - set(taken), {*wanted, *taken}
    numbers: dict[str, int] = {}
    chosen: list[str] = []
    for name in wanted:
        chosen.append(name if name in free else _numbered(name, used, numbers))
        free.discard(name)
    return chosen


def _numbered(name: str, used: set[str], numbers: dict[str, int]) -> str:
    # One underscore, as in any safe name, also after that of a reserved word.
    stem = name.rstrip("_")
    numbers.setdefault(stem, 2)
    while f"{stem}_{numbers[stem]}" in used:
        numbers[stem] += 1
    used.add(f"{stem}_{numbers[stem]}")
    return f"{stem}_{numbers[stem]}"
