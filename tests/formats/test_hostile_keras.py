"""``.keras`` files made to hurt: each is one line of refusal, before memory is spent, and nothing in it runs."""

from __future__ import annotations

import copy
import io
import json
import stat
import struct
import sys
import tempfile
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from kamerton.errors import ModelFileError
from kamerton.formats import keras_archive
from kamerton.formats.exchange import import_keras_file
from kamerton.formats.keras_file import read_keras, write_keras
from kamerton.networks import build_network

SIZE = 20
PEAK_BYTES = 12 << 20
"""What any of these files may cost; each would cost hundreds of megabytes, or run, where it was believed."""

Entries = dict[str, bytes]
CONFIG, WEIGHTS = "config.json", "model.weights.h5"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Entries:
    """The entries of a sound file of LeNet-5."""
    path = tmp_path_factory.mktemp("sound") / "a.keras"
    write_keras(build_network("lenet5", size=SIZE, channels=3, classes=3), (SIZE, SIZE, 3), path)
    # Everything that reading imports is imported before memory is counted.
    read_keras(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, entries: Entries, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of temporary files; it must be empty in the end."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@contextmanager
def frugal() -> Iterator[None]:
    """Bound the memory of a block."""
    tracemalloc.start()
    try:
        yield
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < PEAK_BYTES, f"{peak_bytes >> 20} MiB"


def assert_refused(path: Path, says: str, scratch: Path) -> None:
    out = path.with_name("run")
    with frugal(), pytest.raises(ModelFileError, match=says) as caught:
        import_keras_file(path, out)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(str(path))
    assert len(message) < 2000
    assert not out.exists()
    assert list(scratch.iterdir()) == []
    assert sorted(path.parent.iterdir()) == sorted({path, scratch} | {p for p in path.parent.iterdir() if p.is_dir()})


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
    monkeypatch.setattr(keras_archive.shutil, "disk_usage", lambda place: full)
    assert_refused(write(tmp_path / "a.keras", sound), "no room to unpack", scratch)


# The config


def layers_of(config: dict[str, Any]) -> list[dict[str, Any]]:
    return list(config["config"]["layers"])


def foreign_module(config: dict[str, Any]) -> None:
    layers_of(config)[1]["module"] = "kamerton_evil"


def registered_class(config: dict[str, Any]) -> None:
    layers_of(config)[1]["registered_name"] = "evil>Conv2D"


def own_model(config: dict[str, Any]) -> None:
    config.update(class_name="EvilModel", module="kamerton_evil", registered_name="evil>EvilModel")


def lambda_layer(config: dict[str, Any]) -> None:
    layer = layers_of(config)[2]
    layer.update(class_name="Lambda", config={"name": "pool1", "function": {"class_name": "__lambda__", "config": {}}})


def own_activation(config: dict[str, Any]) -> None:
    function = {"module": "kamerton_evil", "class_name": "function", "config": "run", "registered_name": "run"}
    layers_of(config)[1]["config"]["activation"] = function


def huge_input(config: dict[str, Any]) -> None:
    layers_of(config)[0]["config"]["batch_shape"] = [None, 65_000, 65_000, 16]


def endless_input(config: dict[str, Any]) -> None:
    layers_of(config)[0]["config"]["batch_shape"] = [None, 10**30, 10**30, 3]


def oblong_input(config: dict[str, Any]) -> None:
    layers_of(config)[0]["config"]["batch_shape"] = [None, SIZE, SIZE + 1, 3]


def many_units(config: dict[str, Any]) -> None:
    layers_of(config)[-1]["config"]["units"] = 10**12


def channels_first(config: dict[str, Any]) -> None:
    layers_of(config)[1]["config"]["data_format"] = "channels_first"


def other_wiring(config: dict[str, Any]) -> None:
    layers = layers_of(config)
    layers[-1]["inbound_nodes"] = copy.deepcopy(layers[-2]["inbound_nodes"])


def shared_layer(config: dict[str, Any]) -> None:
    layer = layers_of(config)[-2]
    layer["inbound_nodes"] = layer["inbound_nodes"] * 2


def early_answer(config: dict[str, Any]) -> None:
    config["config"]["output_layers"] = ["dense4", 0, 0]


def long_words(config: dict[str, Any]) -> None:
    layers_of(config)[1]["config"]["padding"] = "\x1b[2J\n" * 100_000


CONFIGS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a class from elsewhere": (foreign_module, "of a class of its own, which is never run.*kamerton_evil"),
    "a registered class": (registered_class, "of a class of its own, which is never run.*evil>Conv2D"),
    "a model of its own class": (own_model, "of a class of its own.*EvilModel"),
    "a lambda": (lambda_layer, "layer 2 is Lambda instead of AveragePooling2D"),
    "an activation from elsewhere": (own_activation, r"activation of layer 1 \(Conv2D\) is .*kamerton_evil"),
    "a huge input": (huge_input, "none of the known networks|not the weight that the config promises"),
    "an endless input": (endless_input, "sorts square images into classes"),
    "an oblong input": (oblong_input, "sorts square images into classes"),
    "too many classes": (many_units, "sorts square images into classes"),
    "channels first": (channels_first, "data_format of layer 1"),
    "another wiring": (other_wiring, "is fed by layers|not that of the last layer"),
    "a shared layer": (shared_layer, "a layer is used 2 times"),
    "an answer half-way": (early_answer, "not that of the last layer"),
    "control characters": (long_words, r"padding of layer 1 \(Conv2D\) is "),
}


@pytest.mark.parametrize("what", CONFIGS)
def test_a_config_of_no_known_network_is_refused_and_not_run(
    sound: Entries, tmp_path: Path, scratch: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "kamerton_evil.py").write_text("import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n")
    monkeypatch.syspath_prepend(str(trap))
    change, says = CONFIGS[what]
    config = json.loads(sound[CONFIG])
    change(config)
    path = write(tmp_path / "a.keras", {**sound, CONFIG: json.dumps(config).encode()})
    assert_refused(path, says, scratch)
    assert "kamerton_evil" not in sys.modules
    assert not (trap / "ran").exists()


def test_a_real_lambda_saved_by_keras_does_not_run(keras: Any, tmp_path: Path, scratch: Path) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    ran = str(trap / "ran")
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3))])
    # Its code is saved with the file, and needs no import of ours.
    model.add(
        keras.layers.Lambda(lambda x: (__import__("pathlib").Path(ran).touch(), x)[1], output_shape=(SIZE, SIZE, 3))
    )
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(3))
    model.save(tmp_path / "a.keras")
    Path(ran).unlink(missing_ok=True)
    assert_refused(tmp_path / "a.keras", "none of the known networks", scratch)
    assert not Path(ran).exists()
    # The file is a real danger: whoever lets Keras run it, runs it.
    keras.saving.load_model(tmp_path / "a.keras", safe_mode=False)(np.zeros((1, SIZE, SIZE, 3), np.float32))
    assert Path(ran).exists()


# The weights

BIAS, KERNEL = "layers/dense/vars/1", "layers/dense/vars/0"


def replaced(make: Callable[[h5py.Group, str, tuple[int, ...]], Any]) -> Callable[[h5py.File, Path], None]:
    """Put something else in the place of a bias."""

    def change(file: h5py.File, folder: Path) -> None:
        shape = file[BIAS].shape
        del file[BIAS]
        make(file[BIAS.rpartition("/")[0]], "1", shape)

    return change


def external_link(file: h5py.File, folder: Path) -> None:
    with h5py.File(folder / "trap" / "other.h5", "w") as other:
        other["bias"] = np.zeros(file[BIAS].shape, np.float32)
    del file[BIAS]
    file[BIAS] = h5py.ExternalLink(str(folder / "trap" / "other.h5"), "bias")


def external_group(file: h5py.File, folder: Path) -> None:
    file.copy("layers/dense", file, "elsewhere")
    del file["layers/dense"]
    file["layers/dense"] = h5py.ExternalLink(str(folder / "trap" / "other.h5"), "/")


def soft_link(file: h5py.File, folder: Path) -> None:
    file.move(BIAS, "elsewhere")
    file[BIAS] = h5py.SoftLink("/elsewhere")


def external_storage(file: h5py.File, folder: Path) -> None:
    shape = file[BIAS].shape
    secret = folder / "trap" / "secret"
    secret.write_bytes(bytes(4 * shape[0]))
    del file[BIAS]
    file.create_dataset(BIAS, shape, np.float32, external=[(str(secret), 0, 4 * shape[0])])


def virtual(group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    layout = h5py.VirtualLayout(shape, np.float32)
    layout[:] = h5py.VirtualSource("/etc/passwd", "bias", shape)
    group.create_virtual_dataset(name, layout)


def huge(group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    group.create_dataset(name, (2**40,), np.float32)


def unwritten(group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    group.create_dataset(name, shape, np.float32, fillvalue=1)


def compressed(group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    group.create_dataset(name, data=np.zeros(shape, np.float32), chunks=shape, compression="gzip")


def compound(group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    group.create_dataset(name, data=np.zeros(shape, [("a", "f4"), ("b", "f4")]))


def strings(group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    group.create_dataset(name, shape, h5py.string_dtype())


def references(group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    group.create_dataset(name, shape, h5py.ref_dtype)


def ragged(group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    group.create_dataset(name, shape, h5py.vlen_dtype(np.float32))


def integers(group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    group.create_dataset(name, data=np.zeros(shape, np.int8))


def a_group(group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    group.create_group(name)


def not_finite(group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    group.create_dataset(name, data=np.full(shape, np.nan, np.float32))


def too_large(group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    group.create_dataset(name, data=np.full(shape, 1e300, np.float64))


def one_more(file: h5py.File, folder: Path) -> None:
    file["layers/dense/vars/2"] = np.zeros(3, np.float32)


def one_less(file: h5py.File, folder: Path) -> None:
    del file[BIAS]


def unknown_layer(file: h5py.File, folder: Path) -> None:
    file["layers/evil/vars/0"] = np.zeros(3, np.float32)


def a_loop(file: h5py.File, folder: Path) -> None:
    del file["layers/dense"]
    file["layers/dense"] = file["layers"]


WEIGHT_CHANGES: dict[str, tuple[Callable[[h5py.File, Path], None], str]] = {
    "external link": (external_link, "dense/vars/1 is not in the file itself.*ExternalLink"),
    "external group": (external_group, "layers/dense is not in the file itself.*ExternalLink"),
    "soft link": (soft_link, "dense/vars/1 is not in the file itself.*SoftLink"),
    "external storage": (external_storage, "is not stored in one piece"),
    "virtual": (replaced(virtual), "is not stored in one piece"),
    "a huge shape": (replaced(huge), r"not the weight that the config promises.*\(1099511627776,\)"),
    "never written": (replaced(unwritten), "is not stored in one piece"),
    "compressed": (replaced(compressed), "is not stored in one piece"),
    "compound": (replaced(compound), "not the weight that the config promises"),
    "strings": (replaced(strings), "not the weight that the config promises"),
    "references": (replaced(references), "not the weight that the config promises"),
    "ragged": (replaced(ragged), "not the weight that the config promises"),
    "integers": (replaced(integers), "not the weight that the config promises.*int8"),
    "a group": (replaced(a_group), "not the weight that the config promises.*Group"),
    "NaN": (replaced(not_finite), "is not a finite number"),
    "beyond float32": (replaced(too_large), "is not a finite number"),
    "one more": (one_more, "dense/vars holds another number of weights.*Received: 3"),
    "one less": (one_less, "dense/vars holds another number of weights.*Received: 1"),
    "an unknown layer": (unknown_layer, "evil/vars holds another number of weights"),
    "a loop": (a_loop, r"dense/vars is not in the file itself"),
}


@pytest.mark.parametrize("what", WEIGHT_CHANGES)
def test_weights_that_are_not_plain_numbers_in_the_file_are_refused(
    sound: Entries, tmp_path: Path, scratch: Path, what: str
) -> None:
    (tmp_path / "trap").mkdir()
    change, says = WEIGHT_CHANGES[what]
    content = io.BytesIO(sound[WEIGHTS])
    with h5py.File(content, "r+") as file:
        change(file, tmp_path)
    path = write(tmp_path / "a.keras", {**sound, WEIGHTS: content.getvalue()})
    assert_refused(path, says, scratch)


def test_a_shape_bomb_that_agrees_with_its_config_is_refused(sound: Entries, tmp_path: Path, scratch: Path) -> None:
    side = 4096
    inner = ((side - 4) // 2 - 4) // 2
    config = json.loads(sound[CONFIG])
    layers_of(config)[0]["config"]["batch_shape"] = [None, side, side, 3]
    content = io.BytesIO(sound[WEIGHTS])
    with h5py.File(content, "r+") as file:
        del file[KERNEL]
        # 8 GB, of which HDF5 stores nothing.
        file.create_dataset(KERNEL, (inner * inner * 16, 120), np.float32)
    path = write(tmp_path / "a.keras", {CONFIG: json.dumps(config).encode(), WEIGHTS: content.getvalue()})
    assert_refused(path, "is not stored in one piece", scratch)


# What is allowed


def test_weights_of_half_and_double_precision_are_read(sound: Entries, tmp_path: Path, scratch: Path) -> None:
    content = io.BytesIO(sound[WEIGHTS])
    with h5py.File(content, "r+") as file:
        for place, dtype in ((KERNEL, np.float16), (BIAS, np.float64)):
            values = file[place][()]
            del file[place]
            file.create_dataset(place, data=values.astype(dtype))
    state = read_keras(write(tmp_path / "a.keras", {**sound, WEIGHTS: content.getvalue()})).state
    assert {str(tensor.dtype) for tensor in state.values()} == {"torch.float32"}
    assert list(scratch.iterdir()) == []


def test_a_file_with_an_optimizer_and_an_empty_folder_is_read(
    keras: Any, sound: Entries, tmp_path: Path, scratch: Path
) -> None:
    write(tmp_path / "a.keras", sound)
    model = keras.saving.load_model(tmp_path / "a.keras")
    model.compile(keras.optimizers.Adam(amsgrad=True, use_ema=True), "sparse_categorical_crossentropy")
    model.fit(np.zeros((4, SIZE, SIZE, 3), np.float32), np.zeros(4), verbose=0)
    model.save(tmp_path / "b.keras")
    with zipfile.ZipFile(tmp_path / "b.keras", "a") as archive:
        archive.mkdir("assets")
    assert read_keras(tmp_path / "b.keras").network == "lenet5"
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/null"])
def test_a_device_is_no_file(place: str) -> None:
    with pytest.raises(ModelFileError, match="not a plain file"):
        read_keras(Path(place))
