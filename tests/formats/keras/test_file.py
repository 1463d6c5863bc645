"""``.keras`` files go out for plain Keras to open and come in from plain Keras, with the same answers."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from kamerton.errors import ModelFileError, OutputError, UsageError
from kamerton.formats.exporting import export
from kamerton.formats.importing import import_keras_file
from kamerton.formats.keras.file import build_keras
from kamerton.inference.predictor import Predictor
from kamerton.networks.registry import build_network
from kamerton.runs.folder import Run
from tests.notebook_in_keras import alexnet_in_keras

SIZE = 75


@pytest.fixture(scope="module")
def keras_alexnet(keras: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """The notebook's network after some training by Keras, and the file that Keras saved of it."""
    keras.utils.set_random_seed(3)
    model = alexnet_in_keras(keras, SIZE, classes=3)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    model.fit(rng.random((24, SIZE, SIZE, 3), np.float32), rng.integers(0, 3, 24), batch_size=8, verbose=0)
    path = tmp_path_factory.mktemp("keras") / "AlexNet_full.keras"
    model.save(path)
    return model, path


def test_a_file_saved_by_keras_predicts_the_same_in_a_run(keras_alexnet: tuple[Any, Path], tmp_path: Path) -> None:
    model, path = keras_alexnet
    run = import_keras_file(path, tmp_path / "run")
    pixels_nhwc = np.random.default_rng(1).integers(0, 256, (10, SIZE, SIZE, 3), np.uint8)
    wanted = model.predict(pixels_nhwc / np.float32(255), verbose=0)
    np.testing.assert_allclose(Predictor(run).probabilities(pixels_nhwc), wanted, atol=1e-5)
    assert run.record.network == "alexnet"
    assert run.record.class_names == ("class 0", "class 1", "class 2")


def test_separate_activations_are_the_same_network(keras: Any, tmp_path: Path) -> None:
    layers = keras.layers
    model = keras.Sequential([keras.Input((20, 20, 3))])
    for layer in (
        layers.Conv2D(6, 5), layers.Activation("tanh"), layers.AveragePooling2D(2),
        layers.Conv2D(16, 5), layers.Activation("tanh"), layers.AveragePooling2D(2), layers.Flatten(),
        layers.Dense(120, activation="tanh"), layers.Dense(84, activation="tanh"), layers.Dense(4), layers.Softmax(),
    ):  # fmt: skip
        model.add(layer)
    model.save(tmp_path / "a.keras")
    run = import_keras_file(tmp_path / "a.keras", tmp_path / "run")
    pixels_nhwc = np.random.default_rng(1).integers(0, 256, (5, 20, 20, 3), np.uint8)
    wanted = model.predict(pixels_nhwc / np.float32(255), verbose=0)
    np.testing.assert_allclose(Predictor(run).probabilities(pixels_nhwc), wanted, atol=1e-5)


def test_plain_keras_opens_an_exported_file_and_predicts_the_same(keras: Any, toy_run: Run) -> None:
    model = keras.saving.load_model(toy_run.keras_path)
    pixels_nhwc = np.random.default_rng(1).integers(0, 256, (10, 32, 32, 3), np.uint8)
    found = model.predict(pixels_nhwc / np.float32(255), verbose=0)
    np.testing.assert_allclose(found, Predictor(toy_run).probabilities(pixels_nhwc), atol=1e-5)


@pytest.fixture(scope="module")
def scaled(toy_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy run's network with the scaling inside; do not change it."""
    copy = shutil.copytree(toy_run.path, tmp_path_factory.mktemp("scaled") / "run")
    return export(copy, "keras", with_scaling=True)


def test_with_the_scaling_inside_keras_takes_raw_pixels(keras: Any, toy_run: Run, scaled: Path) -> None:
    model = keras.saving.load_model(scaled)
    pixels_nhwc = np.random.default_rng(1).integers(0, 256, (10, 32, 32, 3), np.uint8)
    found = model.predict(pixels_nhwc, verbose=0)
    np.testing.assert_allclose(found, Predictor(toy_run).probabilities(pixels_nhwc), atol=1e-5)


def test_the_scaling_stands_in_a_file_of_its_own(scaled: Path, toy_run: Run) -> None:
    assert scaled.name == "model_with_scaling.keras"
    with zipfile.ZipFile(scaled.with_name("model.keras")) as ours, zipfile.ZipFile(toy_run.keras_path) as before:
        assert ours.read("config.json") == before.read("config.json")


def test_a_file_with_the_scaling_inside_comes_in_as_the_same_run(scaled: Path, toy_run: Run, tmp_path: Path) -> None:
    run = import_keras_file(scaled, tmp_path / "run")
    pixels_nhwc = np.random.default_rng(1).integers(0, 256, (10, 32, 32, 3), np.uint8)
    wanted = Predictor(toy_run).probabilities(pixels_nhwc)
    np.testing.assert_array_equal(Predictor(run).probabilities(pixels_nhwc), wanted)


def test_a_sequential_model_of_raw_pixels_comes_in_too(keras: Any, tmp_path: Path) -> None:
    twin = build_keras(build_network("lenet5", size=32, channels=3, classes=3), (32, 32, 3))
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Rescaling(1 / 255), *twin.layers[1:]])
    model.save(tmp_path / "a.keras")
    run = import_keras_file(tmp_path / "a.keras", tmp_path / "run")
    pixels_nhwc = np.random.default_rng(1).integers(0, 256, (5, 32, 32, 3), np.uint8)
    np.testing.assert_allclose(
        Predictor(run).probabilities(pixels_nhwc), model.predict(pixels_nhwc, verbose=0), atol=1e-5
    )


@pytest.mark.parametrize(
    "settings", [{"scale": 1 / 127.5, "offset": -1.0}, {"scale": [1 / 255] * 3}, {"scale": None}, {"offset": 0.5}]
)
def test_another_scaling_is_refused_with_the_remedy(scaled: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    path = rewritten(tmp_path / "a.keras", scaled, lambda entries: change_layer(entries, 1, **settings))
    with pytest.raises(
        ModelFileError, match=r"scales pixels in a way of its own.*Allowed: Rescaling by 1/255 .*Next: train"
    ):
        import_keras_file(path, tmp_path / "run")


def test_pixels_that_are_scaled_twice_or_on_one_way_only_are_refused(keras: Any, tmp_path: Path) -> None:
    def twice(images: Any) -> Any:
        return keras.layers.Rescaling(1 / 255)(keras.layers.Rescaling(1 / 255)(images))

    def one_way(images: Any) -> Any:
        return keras.layers.Add()([images, keras.layers.Rescaling(1 / 255)(images)])

    for number, begin in enumerate((twice, one_way)):
        images = keras.Input((32, 32, 3))
        answer = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(begin(images)))
        keras.Model(images, answer).save(tmp_path / f"{number}.keras")
        with pytest.raises(ModelFileError, match="scales pixels in a way of its own"):
            import_keras_file(tmp_path / f"{number}.keras", tmp_path / "run")


def test_a_network_of_ones_own_is_answered_with_what_can_be_done(keras: Any, tmp_path: Path) -> None:
    layers = keras.layers
    answer = [layers.Flatten(), layers.Dense(3, activation="softmax")]
    keras.Sequential([keras.Input((32, 32, 3)), layers.Conv2D(7, 3), *answer]).save(tmp_path / "own.keras")
    with pytest.raises(
        ModelFileError, match=r"a network of its own.*Next: train one of these.*compare --history"
    ) as said:
        import_keras_file(tmp_path / "own.keras", tmp_path / "run")
    assert "kamerton/networks" not in str(said.value)


def test_out_and_in_again_gives_the_weights_to_the_bit(toy_run: Run, tmp_path: Path) -> None:
    again = import_keras_file(toy_run.keras_path, tmp_path / "run")
    first, second = toy_run.load_network().state_dict(), again.load_network().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_export_writes_the_file_again(toy_run: Run, tmp_path: Path) -> None:
    shutil.copytree(toy_run.path, tmp_path / "run")
    (tmp_path / "run" / "model.keras").unlink()
    assert export(tmp_path / "run", "keras").exists()


def test_an_unknown_format_is_answered_with_the_known(toy_run: Run) -> None:
    with pytest.raises(UsageError, match=r"Unknown format 'kera'.*did you mean 'keras'"):
        export(toy_run, "kera")


def test_class_names_come_from_the_cube_that_the_model_learned(toy_run: Run, toy_cube: Path, tmp_path: Path) -> None:
    run = import_keras_file(toy_run.keras_path, tmp_path / "run", classes_of=toy_cube)
    assert run.record.class_names == toy_run.record.class_names


def test_a_cube_with_other_classes_is_refused(
    keras: Any, toy_cube: Path, tmp_path: Path, keras_alexnet: tuple[Any, Path]
) -> None:
    model = alexnet_in_keras(keras, SIZE, classes=5)
    model.save(tmp_path / "a.keras")
    with pytest.raises(UsageError, match=r"another number of classes.*3 classes.*5 classes"):
        import_keras_file(tmp_path / "a.keras", tmp_path / "run", classes_of=toy_cube)
    assert not (tmp_path / "run").exists()


def test_an_existing_run_is_not_touched(toy_run: Run, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(OutputError, match="exists already"):
        import_keras_file(toy_run.keras_path, tmp_path / "run")


def rewritten(path: Path, source: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """Copy a .keras file with its entries changed."""
    with zipfile.ZipFile(source) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def change_layer(entries: dict[str, bytes], number: int, **settings: Any) -> None:
    config = json.loads(entries["config.json"])
    config["config"]["layers"][number]["config"].update(settings)
    entries["config.json"] = json.dumps(config).encode()


def lambda_layer(entries: dict[str, bytes]) -> None:
    config = json.loads(entries["config.json"])
    config["config"]["layers"][2]["class_name"] = "Lambda"
    entries["config.json"] = json.dumps(config).encode()


def other_shape(entries: dict[str, bytes]) -> None:
    content = io.BytesIO(entries["model.weights.h5"])
    with h5py.File(content, "r+") as file:
        del file["layers/conv2d_1/vars/0"]
        file["layers/conv2d_1/vars/0"] = np.zeros((5, 5, 96, 7), np.float32)
    entries["model.weights.h5"] = content.getvalue()


CHANGES: dict[str, tuple[Callable[[dict[str, bytes]], object], str]] = {
    "other stride": (
        lambda e: change_layer(e, 1, strides=[2, 2]),
        r"a network of its own.*strides of layer 1 \(Conv2D\)",
    ),
    "other activation": (lambda e: change_layer(e, 1, activation="gelu"), "activation of layer 1"),
    "other epsilon": (lambda e: change_layer(e, 2, epsilon=0.1), "epsilon of layer 2"),
    "a lambda": (lambda_layer, "layer 2 is Lambda instead of BatchNormalization"),
    "other weights": (other_shape, r"conv2d_1/vars/0 is not the weight.*\(5, 5, 96, 7\).*\(5, 5, 96, 256\)"),
    "no weights": (lambda e: e.pop("model.weights.h5"), "not a model saved by Keras 3"),
    "no config": (lambda e: e.pop("config.json"), "not a model saved by Keras 3"),
    "broken config": (lambda e: e.update({"config.json": b"{"}), "not a model saved by Keras 3"),
    "config of another kind": (lambda e: e.update({"config.json": b"[]"}), "not a model saved by Keras 3"),
    "broken weights": (lambda e: e.update({"model.weights.h5": b"x" * 99}), "not a model saved by Keras 3"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_file_of_another_network_is_refused_with_the_difference(
    keras_alexnet: tuple[Any, Path], tmp_path: Path, what: str
) -> None:
    change, says = CHANGES[what]
    path = rewritten(tmp_path / "a.keras", keras_alexnet[1], change)
    with pytest.raises(ModelFileError, match=says):
        import_keras_file(path, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", b"\x89HDF\r\n\x1a\n"])
def test_a_file_that_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.keras").write_bytes(content)
    with pytest.raises(ModelFileError, match="not a model saved by Keras 3"):
        import_keras_file(tmp_path / "a.keras", tmp_path / "run")


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="No such file"):
        import_keras_file(tmp_path / "a.keras", tmp_path / "run")
