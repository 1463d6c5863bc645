"""Seeded mutations of sound files: of any bytes, and of the headers that each format lives by.

``MUTATIONS`` maps the ending of a file to what may happen to it; each function takes the content and a random generator
and gives other content. The same seed gives the same bytes.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any

Mutation = Callable[[bytes, random.Random], bytes]

NUMBERS = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    9,
    16,
    17,
    255,
    256,
    999,
    4096,
    65_535,
    2**31 - 1,
    2**31,
    2**32 - 1,
    10**12,
    2**62,
    2**63 - 1,
)
UNREADABLE = (
    *(OSError, EOFError, LookupError, RuntimeError, ValueError, OverflowError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
"""What a file that earlier mutations broke may raise here; then its bytes are changed instead."""

LONGEST = 1 << 20
"""Mutations do not make files longer than this by more than one step."""


def flip_bits(content: bytes, rng: random.Random) -> bytes:
    """Flip one to sixteen bits anywhere."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwrite_run(content: bytes, rng: random.Random) -> bytes:
    """Overwrite a run of bytes with zeros, ones or noise."""
    start, length = _place(content, rng)
    fill = rng.choice((b"\0", b"\xff", b" ", b""))
    return content[:start] + (fill * length or rng.randbytes(length)) + content[start + length :]


def overwrite_number(content: bytes, rng: random.Random) -> bytes:
    """Write a number that programs stumble over, as an integer of 1 to 8 bytes."""
    width = rng.choice((1, 2, 4, 8))
    start = rng.randrange(max(1, len(content) - width))
    number = rng.choice(NUMBERS) & (256**width - 1)
    return content[:start] + number.to_bytes(width, rng.choice(("little", "big"))) + content[start + width :]


def truncate(content: bytes, rng: random.Random) -> bytes:
    """Cut the end off."""
    return content[: rng.choice((rng.randrange(len(content) + 1), max(0, len(content) - rng.randrange(1, 4000))))]


def delete_run(content: bytes, rng: random.Random) -> bytes:
    """Take a run of bytes out."""
    start, length = _place(content, rng)
    return content[:start] + content[start + length :]


def repeat_run(content: bytes, rng: random.Random) -> bytes:
    """Repeat a run of bytes."""
    start, length = _place(content, rng)
    times = rng.choice((1, 1, 2, 50)) if len(content) < LONGEST else 0
    return content[:start] + content[start : start + length] * (times + 1) + content[start + length :]


def move_run(content: bytes, rng: random.Random) -> bytes:
    """Copy a run of bytes over another place, as a bad sector or a splice does."""
    start, length = _place(content, rng)
    target = rng.randrange(len(content) + 1)
    return content[:target] + content[start : start + length] + content[target + length :]


def append(content: bytes, rng: random.Random) -> bytes:
    """Add noise, or the file once more, at the end."""
    return content + (rng.randbytes(rng.randrange(1, 5000)) if rng.random() < 0.7 else content[:LONGEST])


BYTES: tuple[Mutation, ...] = (
    *(flip_bits, overwrite_run, overwrite_number, truncate, delete_run, repeat_run, move_run, append),
)


def _place(content: bytes, rng: random.Random) -> tuple[int, int]:
    return rng.randrange(len(content) + 1), rng.choice((1, 4, 8, 80, 80, 512, 2880, rng.randrange(1, 5000)))


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


HDF5_MARKS = (b"\x89HDF", b"TREE", b"SNOD", b"HEAP", b"OHDR", b"OCHK", b"FRHP", b"BTHD", b"GCOL")


def edit_hdf5(content: bytes, rng: random.Random) -> bytes:
    """Write a number into the structures of an HDF5 file: headers, trees, heaps, not the numbers that they hold."""
    mark = rng.choice(HDF5_MARKS)
    places = [start for start in range(0, len(content), 8) if content[start : start + 4] == mark]
    if places and rng.random() < 0.5:
        start = rng.choice(places) + rng.randrange(0, 400)
    else:
        # An object's header of the first version has no mark: its own begins with 1, 0.
        headers = [at for at in range(0, len(content), 8) if content[at : at + 2] == b"\x01\0" and content[at + 4]]
        start = (rng.choice(headers) if headers else 0) + rng.randrange(0, 160)
    width = rng.choice((1, 1, 2, 4, 8))
    number = rng.choice((*NUMBERS, rng.randrange(256), len(content), start)) & (256**width - 1)
    return content[:start] + number.to_bytes(width, "little") + content[start + width :]


def edit_archive(content: bytes, rng: random.Random) -> bytes:
    """Change an entry of a zip and pack it soundly again, so that the change is not caught by the checksum."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
    except UNREADABLE:
        return flip_bits(content, rng)
    if not entries:
        return flip_bits(content, rng)
    # Most of a model is in its HDF5.
    name = next((name for name in entries if name.endswith(".h5") and rng.random() < 0.5), rng.choice(sorted(entries)))
    what = rng.choice(("inside", "inside", "inside", "inside", "rename", "remove", "add", "twice"))
    written = list(entries.items())
    if what == "inside":
        entries[name] = apply(name, entries[name], rng)
        written = list(entries.items())
    elif what == "rename":
        new = rng.choice(("../" + name, "/" + name, name.upper(), "a/" + name, name + "\0", "", "config.json"))
        written = [(new if old == name else old, data) for old, data in written]
    elif what == "remove":
        written = [(old, data) for old, data in written if old != name]
    elif what == "add":
        written.append((rng.choice(("a.txt", "assets/", "inner.zip", "../a", "model.weights.npz")), content[:1000]))
    else:
        written.append((name, rng.choice((b"", entries[name]))))
    return _packed(written, rng)


def _packed(entries: list[tuple[str, bytes]], rng: random.Random) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        names: set[str] = set()
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = archive.compression
            info.external_attr = rng.choice((0o600, 0o600, 0o600, 0o120777, 0o40755)) << 16 if rng.random() < 0.1 else 0
            if name not in names:
                archive.writestr(info, data)
            names.add(name)
    return packed.getvalue()


def edit_directory(content: bytes, rng: random.Random) -> bytes:
    """Write a number into the headers of a zip: sizes, flags, methods, offsets."""
    marks = [content.find(mark, rng.randrange(len(content) + 1)) for mark in (b"PK\1\2", b"PK\3\4", b"PK\5\6")]
    places = [start for start in marks if start >= 0] or [max(0, len(content) - 22)]
    start = rng.choice(places) + rng.randrange(4, 46)
    width = rng.choice((1, 2, 4))
    number = rng.choice((*NUMBERS, rng.randrange(65_536))) & (256**width - 1)
    return content[:start] + number.to_bytes(width, "little") + content[start + width :]


def edit_safetensors(content: bytes, rng: random.Random) -> bytes:
    """Let the header of a safetensors file lie, or its length."""
    length = int.from_bytes(content[:8], "little")
    if rng.random() < 0.3 or length > len(content):
        return struct.pack("<Q", rng.choice((*NUMBERS, length + 1, length - 1)) % 2**64) + content[8:]
    header = edit_json(content[8 : 8 + length], rng)
    return struct.pack("<Q", len(header)) + header + content[8 + length :]


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


def edit_packed(content: bytes, rng: random.Random) -> bytes:
    """Change what is inside a gzipped cube, and pack it soundly again."""
    try:
        plain = gzip.decompress(content)
    except UNREADABLE:
        return flip_bits(content, rng)
    return gzip.compress(apply(".fits", plain, rng), 1, mtime=0)


def edit_png(content: bytes, rng: random.Random) -> bytes:
    """Change a chunk of a PNG, its place or its kind, and put its checksum right."""
    chunks = list(_png_chunks(content))
    if not chunks:
        return flip_bits(content, rng)
    place = rng.randrange(len(chunks))
    kind, data = chunks[place]
    what = rng.choice(("data", "data", "head", "kind", "delete", "twice", "inflated"))
    if what == "data":
        chunks[place] = kind, rng.choice(BYTES)(data, rng)
    elif what == "head":
        head = bytearray(chunks[0][1].ljust(13, b"\0"))
        field = rng.choice((0, 4, 8, 9, 10, 11, 12))
        width = 4 if field < 8 else 1
        head[field : field + width] = (rng.choice(NUMBERS) % 256**width).to_bytes(width, "big")
        chunks[0] = chunks[0][0], bytes(head)
    elif what == "kind":
        chunks[place] = (
            rng.choice((b"IDAT", b"PLTE", b"tRNS", b"iCCP", b"zTXt", b"acTL", b"fcTL", b"eXIf", b"abcd")),
            data,
        )
    elif what == "delete":
        del chunks[place]
    elif what == "twice":
        chunks.insert(rng.randrange(len(chunks) + 1), chunks[place])
    else:
        chunks[place] = kind, zlib.compress(bytes(rng.choice((0, 1, 1000, 1 << 22))))
    return content[:8] + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place + 12 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        yield content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        place += 12 + length


def edit_jpeg(content: bytes, rng: random.Random) -> bytes:
    """Change the marker, the length or a number of a segment of a JPEG."""
    places = [at for at in range(len(content) - 9) if content[at] == 0xFF and content[at + 1] not in {0, 0xFF}]
    if not places:
        return flip_bits(content, rng)
    start = rng.choice(places) + rng.choice((1, 2, 4, 5, 7, 9))
    width = rng.choice((1, 2))
    number = rng.choice((*NUMBERS, rng.randrange(65_536))) & (256**width - 1)
    return content[:start] + number.to_bytes(width, "big") + content[start + width :]


def edit_parquet(content: bytes, rng: random.Random) -> bytes:
    """Change a number in the description at the end of a Parquet file, its length, or the head of a page."""
    length = int.from_bytes(content[-8:-4], "little")
    if rng.random() < 0.1 or length == 0 or length + 8 > len(content):
        return content[:-8] + (rng.choice(NUMBERS) % 2**32).to_bytes(4, "little") + content[-4:]
    start = len(content) - 8 - length
    place = rng.randrange(start, len(content) - 8) if rng.random() < 0.8 else 4 + rng.randrange(max(1, min(60, start)))
    # Numbers there have seven bits a byte, the lowest first, and the highest bit tells that more come.
    new = rng.choice((bytes([rng.randrange(256)]), b"\xff\xff\xff\xff\x0f", b"\xfe" * 9 + b"\x01", b"\0"))
    end = place + (len(new) if rng.random() < 0.5 else 1)
    changed = content[:place] + new + content[end:]
    if place >= start:
        changed = changed[:-8] + (len(changed) - 8 - start).to_bytes(4, "little") + changed[-4:]
    return changed


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


MUTATIONS: dict[str, tuple[Mutation, ...]] = {
    ".fits": (edit_card, edit_card, edit_card),
    ".gz": (edit_packed, edit_packed),
    ".keras": (edit_archive, edit_archive, edit_archive, edit_directory),
    ".json": (edit_json, edit_json, edit_json),
    ".h5": (edit_hdf5, edit_hdf5, edit_hdf5),
    ".safetensors": (edit_safetensors, edit_safetensors, edit_safetensors),
    ".csv": (edit_table, edit_table, edit_table),
    ".parquet": (edit_parquet, edit_parquet, edit_parquet),
    ".png": (edit_png, edit_png, edit_png),
    ".jpg": (edit_jpeg, edit_jpeg),
    ".toml": (edit_toml, edit_toml, edit_toml),
}
"""What may happen to a file by its ending, besides ``BYTES``; named several times, it happens more often."""

SHARE_OF_FORMAT = 0.7
"""How often a mutation knows the format."""


def apply(name: str, content: bytes, rng: random.Random) -> bytes:
    """Apply one mutation that suits the file's ending."""
    own = next((known for ending, known in MUTATIONS.items() if name.endswith(ending)), ())
    return rng.choice(own if own and rng.random() < SHARE_OF_FORMAT else BYTES)(content, rng)


def mutate(name: str, content: bytes, rng: random.Random) -> bytes:
    """Apply one to four mutations to a file."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        content = apply(name, content, rng)
    return content
