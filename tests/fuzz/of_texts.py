"""Seeded mutations of what is written in letters: FITS cards, JSON, CSV, TOML."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.fuzz.of_bytes import UNREADABLE, flip_bits

FITS_WORDS = (
    *("SIMPLE", "XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "NAXIS4", "PCOUNT", "GCOUNT", "GROUPS"),
    *("EXTEND", "BSCALE", "BZERO", "BLANK", "TFIELDS", "TFORM1", "TFORM2", "TTYPE1", "TDIM1", "TNULL1", "TSCAL1"),
    *("THEAP", "ZIMAGE", "ZCMPTYPE", "ZBITPIX", "ZNAXIS", "ZNAXIS1", "ZNAXIS2", "ZNAXIS4", "ZTILE1", "ZTILE3", "ZVAL1"),
    *("ZVAL2", "ZNAME1", "ZNAME2", "naxis1", "NAXIS01", "NAXIS2=", "TTYPE2", "TFORM3"),
    *("ZQUANTIZ", "ZDITHER0", "ZSCALE", "ZZERO", "ZBLANK", "EXTNAME", "CLASS0", "CLASS1", "CLASS2", "CONTINUE", "END"),
    *("CHECKSUM", "DATASUM", "HISTORY", "COMMENT", "HIERARCH", "LONGSTRN"),
)
FITS_VALUES = (
    *(
        "T",
        "F",
        "8",
        "16",
        "32",
        "64",
        "-32",
        "-64",
        "0",
        "1",
        "2",
        "3",
        "4",
        "-1",
        "7",
        "999",
        "1000",
        "65536",
        "1E308",
    ),
    *("99999999999", "9223372036854775807", "99999999999999999999999", "NaN", "-1E400", "1.5", "(1,2)", "", "'", "''"),
    *("'RICE_1'", "'GZIP_1'", "'GZIP_2'", "'PLIO_1'", "'HCOMPRESS_1'", "'NOCOMPRESS'", "'IMAGE   '", "'BINTABLE'"),
    *("'1PB(99999999)'", "'1QB(1)'", "'99999999E'", "'0A'", "'(9,9,9)'", "'CATALOG'", "'bright'", "'\x1b[2J'", "'a&'"),
)


def edit_card(content: bytes, rng: random.Random) -> bytes:
    """Give a card of a FITS header another value, name or place."""
    cards = [start for start in range(0, len(content) - 79, 80) if content[start : start + 8].strip().isalnum()]
    marked = [start for start in cards if content[start : start + 8].strip().decode("latin-1") in FITS_WORDS]
    if not cards:
        return flip_bits(content, rng)
    start = rng.choice(marked or cards)
    card = content[start : start + 80]
    name = card[:8] if rng.random() < 0.8 else rng.choice(FITS_WORDS).encode().ljust(8)
    value = rng.choice(FITS_VALUES).encode()
    what = rng.choice(("value", "value", "value", "value", "delete", "twice", "blank", "end", "swap"))
    if what == "delete":
        return content[:start] + content[start + 80 :]
    if what == "twice":
        return content[:start] + card + content[start:]
    other = rng.choice(cards)
    new = {
        "value": (name + b"= " + value.rjust(20)).ljust(80)[:80],
        "blank": b" " * 80,
        "end": b"END".ljust(80),
        "swap": content[other : other + 80],
    }[what]
    return content[:start] + new + content[start + 80 :]


JSON_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 3, 7, 2**31, 2**63, 2**64, 10**30, 1e308, float("inf"), float("nan"), -0.5),
    *(
        "",
        "lenet5",
        "alexnet",
        "../../etc/passwd",
        "/etc/passwd",
        "a\nb",
        "\x1b[2J",
        "\ud800",
        "x" * 5000,
        "Lambda",
        "relu",
    ),
    *(
        [],
        {},
        [[]],
        [None],
        [1] * 100,
        {"a": {}},
        ["a", "a"],
        [None, 20, 20, 3],
        {"class_name": "Lambda", "config": {}},
    ),
)


def edit_json(content: bytes, rng: random.Random) -> bytes:
    """Change one value, name or item somewhere in a JSON file."""
    try:
        value = json.loads(content)
    except UNREADABLE:
        return flip_bits(content, rng)
    places: list[tuple[Any, Any]] = []
    _collect(value, places)
    if not places:
        return json.dumps(rng.choice(JSON_VALUES)).encode()
    owner, key = rng.choice(places)
    what = rng.choice(("value", "value", "value", "near", "delete", "rename", "nest", "copy"))
    old = owner[key]
    if what == "delete":
        del owner[key]
    elif what == "rename" and isinstance(owner, dict):
        owner[rng.choice(("", "name", "config", str(key) + " ", "x" * 300))] = owner.pop(key)
    elif what == "nest":
        for _ in range(rng.choice((1, 2, 200))):
            old = [old] if rng.random() < 0.5 else {"a": old}
        owner[key] = old
    elif what == "copy":
        other, place = rng.choice(places)
        owner[key] = json.loads(json.dumps(other[place])) if place in other or isinstance(other, list) else None
    elif what == "near" and type(old) in {int, float}:
        owner[key] = rng.choice((old + 1, old - 1, -old, old * 2, float(old), str(old), [old]))
    else:
        owner[key] = rng.choice(JSON_VALUES)
    text = json.dumps(value)
    if rng.random() < 0.02:
        text = rng.choice(("[" * 100_000, '{"a":' * 50_000, text + text, text * 50, "9" * 5000, text[:-1] + ',"a":1}'))
    return text.encode("utf-8", "replace")


def _collect(value: Any, places: list[tuple[Any, Any]]) -> None:
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        places.append((value, key))
        _collect(value[key], places)


def edit_table(content: bytes, rng: random.Random) -> bytes:
    """Change a field or a line of a CSV."""
    lines = content.decode("utf-8", "replace").split("\n")
    row = rng.randrange(len(lines))
    fields = lines[row].split(",")
    place = rng.randrange(len(fields))
    values = (
        "",
        "nan",
        "inf",
        "1e999",
        "1_0",
        "x",
        '"',
        '"a\nb"',
        "9" * 400,
        "9" * 5000,
        "\0",
        "-1",
        "0x1p3",
        "é",
        "," * 300,
    )
    what = rng.choice(("field", "field", "field", "remove", "line", "order"))
    if what == "field":
        fields[place] = rng.choice(values)
    elif what == "remove":
        del fields[place]
    elif what == "line":
        lines.insert(row, rng.choice(("", lines[row], ",".join(fields * 40), "#", "\r")))
    else:
        rng.shuffle(fields)
    lines[row + (what == "line")] = ",".join(fields)
    return "\n".join(lines).encode()


def edit_toml(content: bytes, rng: random.Random) -> bytes:
    """Change a line of a TOML file, or its value."""
    lines = content.decode("utf-8", "replace").split("\n")
    place = rng.randrange(len(lines))
    values = (
        "1",
        "-1",
        "0",
        "1e999",
        "nan",
        "'x'",
        "[]",
        "{}",
        "true",
        "9" * 400,
        "1979-05-27",
        "[" * 3000,
        '"\\u001b"',
    )
    what = rng.choice(("value", "value", "value", "delete", "twice", "table"))
    if what == "value":
        lines[place] = lines[place].split("=")[0] + "= " + rng.choice(values)
    elif what == "delete":
        del lines[place]
    elif what == "twice":
        lines.insert(rng.randrange(len(lines)), lines[place])
    else:
        lines[place] = rng.choice(("[a]", "[[a]]", "[optimizer]", "[schedule.x]", "a.b.c = 1"))
    return "\n".join(lines).encode("utf-8", "replace")
