"""``.keras`` files whose HDF5 is made to hurt: refused before a number is read."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from kamerton.formats.keras.file import read_keras
from tests.formats.keras.hostile import CONFIG, SIZE, WEIGHTS, Entries, assert_refused, layers_of, write

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
