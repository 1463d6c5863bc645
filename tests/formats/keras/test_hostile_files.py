"""``.keras`` files whose zip is made to hurt: one line of refusal, before memory or disk is spent."""

from __future__ import annotations

import io
import shutil
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from kamerton.errors import ModelFileError
from kamerton.formats.keras.file import read_keras
from tests.formats.keras.hostile import CONFIG, WEIGHTS, Entries, assert_refused, frugal, write

# The archive


def add(name: str, content: bytes = b"x") -> Callable[[Entries], Entries]:
    return lambda entries: {**entries, name: content}


def packed_zip() -> bytes:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr(CONFIG, "{}")
    return inner.getvalue()


ENTRIES: dict[str, tuple[Callable[[Entries], Entries], str]] = {
    "leaves the folder": (add("../../evil.py"), r"has no place in a model.*'\.\./\.\./evil\.py'"),
    "absolute path": (add("/etc/cron.d/evil"), "has no place in a model"),
    "backslashes": (add("..\\evil.py"), "has no place in a model"),
    "nested archive": (add("inner.zip", packed_zip()), "has no place in a model"),
    "assets with content": (add("assets/vocabulary.txt"), "has no place in a model"),
    "an archive as weights": (lambda e: {**e, WEIGHTS: packed_zip()}, f"{WEIGHTS} is no HDF5 file"),
    "an archive as config": (lambda e: {**e, CONFIG: packed_zip()}, "not a model saved by Keras 3"),
    "deep JSON": (lambda e: {**e, CONFIG: b"[" * 900_000}, "not a model saved by Keras 3"),
    "wide JSON": (lambda e: {**e, CONFIG: b"[" + b"[]," * 1_000_000 + b"1]"}, r"config\.json is too long"),
    "long metadata": (lambda e: {**e, "metadata.json": b" " * 100_000}, r"metadata\.json is too long"),
    "long weights": (lambda e: {**e, WEIGHTS: bytes(8 << 20)}, r"model\.weights\.h5 is too long.*any optimizer"),
}


@pytest.mark.parametrize("what", ENTRIES)
def test_an_archive_of_anything_but_a_model_is_refused(
    sound: Entries, tmp_path: Path, scratch: Path, what: str
) -> None:
    change, says = ENTRIES[what]
    assert_refused(write(tmp_path / "a.keras", change(dict(sound))), says, scratch)


def test_ten_thousand_entries_are_refused(sound: Entries, tmp_path: Path, scratch: Path) -> None:
    path = write(tmp_path / "a.keras", sound)
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(10_000):
            archive.writestr(f"{number:0200d}", b"")
    assert_refused(path, "its directory is too long for a model", scratch)


def test_an_entry_that_is_there_twice_is_refused(sound: Entries, tmp_path: Path, scratch: Path) -> None:
    path = write(tmp_path / "a.keras", sound)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(CONFIG, sound[CONFIG])
    assert_refused(path, f"is there twice.*'{CONFIG}'", scratch)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR])
def test_an_entry_that_is_a_link_or_a_device_is_refused(
    sound: Entries, tmp_path: Path, scratch: Path, kind: int
) -> None:
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        for name, content in sound.items():
            archive.writestr(name, content) if name != WEIGHTS else None
        special = zipfile.ZipInfo(WEIGHTS)
        special.external_attr = (kind | 0o777) << 16
        archive.writestr(special, "/etc/passwd")
    assert_refused(tmp_path / "a.keras", "is a link or another special file", scratch)


def patch_directory(path: Path, entry: str, offset_bytes: int, value: bytes, local_offset_bytes: int) -> None:
    """Overwrite a field of an entry, in the directory and before its data."""
    content = bytearray(path.read_bytes())
    for mark, fixed_bytes, offset in ((b"PK\1\2", 46, offset_bytes), (b"PK\3\4", 30, local_offset_bytes)):
        place = -1
        while (place := content.find(mark, place + 1)) >= 0:
            if content[place + fixed_bytes :].startswith(entry.encode()):
                content[place + offset : place + offset + len(value)] = value
    path.write_bytes(content)


def test_an_encrypted_entry_is_refused(sound: Entries, tmp_path: Path, scratch: Path) -> None:
    path = write(tmp_path / "a.keras", sound)
    patch_directory(path, CONFIG, 8, b"\1\0", 6)
    assert_refused(path, "is encrypted", scratch)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_method_that_may_take_any_memory_is_refused(
    sound: Entries, tmp_path: Path, scratch: Path, method: int
) -> None:
    assert_refused(write(tmp_path / "a.keras", sound, method), f"is compressed by method {method}", scratch)


# Bombs


def test_a_declared_bomb_is_refused_before_a_byte_is_unpacked(sound: Entries, tmp_path: Path, scratch: Path) -> None:
    bomb = {**sound, WEIGHTS: bytes(64 << 20)}
    path = write(tmp_path / "a.keras", bomb, zipfile.ZIP_DEFLATED)
    del bomb
    assert path.stat().st_size < 200_000
    assert_refused(path, "unpacks to too much, as a zip bomb does", scratch)


def test_a_bomb_of_a_config_is_refused(sound: Entries, tmp_path: Path, scratch: Path) -> None:
    path = write(tmp_path / "a.keras", {**sound, CONFIG: b" " * (64 << 20)}, zipfile.ZIP_DEFLATED)
    assert_refused(path, r"config\.json is too long", scratch)


@pytest.mark.parametrize(("entry", "declared"), [(CONFIG, 5000), (WEIGHTS, 100_000)])
def test_a_bomb_that_declares_less_is_cut_off(
    sound: Entries, tmp_path: Path, scratch: Path, entry: str, declared: int
) -> None:
    path = write(tmp_path / "a.keras", {**sound, entry: sound[entry] + bytes(64 << 20)}, zipfile.ZIP_DEFLATED)
    patch_directory(path, entry, 24, struct.pack("<I", declared), 22)
    assert_refused(path, "not a model saved by Keras 3.*(CRC|checksum|Error)", scratch)


def test_an_entry_that_declares_the_checksum_of_its_beginning_is_no_way_round(
    sound: Entries, tmp_path: Path, scratch: Path
) -> None:
    path = write(tmp_path / "a.keras", {**sound, WEIGHTS: sound[WEIGHTS] + bytes(64 << 20)}, zipfile.ZIP_DEFLATED)
    patch_directory(path, WEIGHTS, 24, struct.pack("<I", len(sound[WEIGHTS])), 22)
    patch_directory(path, WEIGHTS, 16, struct.pack("<I", zlib.crc32(sound[WEIGHTS])), 14)
    # It reads as what it declares, and costs no more.
    with frugal():
        read_keras(path)
    assert list(scratch.iterdir()) == []


def test_a_full_disk_is_told_before_unpacking(
    sound: Entries, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(shutil, "disk_usage", lambda place: full)
    assert_refused(write(tmp_path / "a.keras", sound), "no room to unpack", scratch)


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/null"])
def test_a_device_is_no_file(place: str) -> None:
    with pytest.raises(ModelFileError, match="not a plain file"):
        read_keras(Path(place))
