"""ONNX Runtime answers as PyTorch does, for every network of the table."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from kamerton.formats.exporting import export
from kamerton.formats.onnx_file import INPUT, OUTPUT, onnx_bytes, onnx_difference, open_session, write_onnx
from kamerton.networks.registry import NETWORKS, build_network
from kamerton.runs.folder import Run


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_answers_the_same_for_any_number_of_images(name: str) -> None:
    size = NETWORKS[name].smallest_size
    network = build_network(name, size=size, channels=3, classes=4).eval()
    session = open_session(onnx_bytes(network, (size, size, 3)), threads=1)
    for count in (1, 3):
        images_nchw = torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(count))
        with torch.inference_mode():
            wanted = network(images_nchw).softmax(1).numpy()
        np.testing.assert_allclose(session.run([OUTPUT], {INPUT: images_nchw.numpy()})[0], wanted, atol=1e-5)


def test_threads_may_export_at_the_same_time() -> None:
    network = build_network("lenet5", size=NETWORKS["lenet5"].smallest_size, channels=1, classes=2).eval()
    shape = (NETWORKS["lenet5"].smallest_size,) * 2 + (1,)
    with ThreadPoolExecutor(4) as threads:
        exported = list(threads.map(lambda _: onnx_bytes(network, shape), range(4)))
    assert exported == [onnx_bytes(network, shape)] * 4


@pytest.fixture(scope="module")
def model(toy_run: Run, tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    """The toy run as it is exported."""
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    write_onnx(toy_run.load_network(), toy_run.image_shape, toy_run.record.class_names, path)
    return onnx.load(path)


def shorter(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].raw_data = b"abcd"


def elsewhere(model: onnx.ModelProto) -> None:
    """Weights in another file, which would be looked for from where the command was given."""
    part = model.graph.initializer[0]
    part.ClearField("raw_data")
    part.data_location = onnx.TensorProto.EXTERNAL
    part.external_data.add(key="location", value="/etc/hostname")


def other_relu(model: onnx.ModelProto) -> None:
    relu = onnx.helper.make_node("Neg", ["x"], ["y"])
    model.functions.append(onnx.helper.make_function("", "Relu", ["x"], ["y"], [relu], model.opset_import))


@pytest.mark.parametrize(
    ("change", "said"),
    [(shorter, "other weights"), (elsewhere, "other places of weights"), (other_relu, "other meanings of layers")],
)
def test_a_file_that_lies_is_different(
    toy_run: Run, model: onnx.ModelProto, tmp_path: Path, change: Callable[[onnx.ModelProto], None], said: str
) -> None:
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    change(changed)
    (tmp_path / "model.onnx").write_bytes(changed.SerializeToString())
    found = onnx_difference(
        toy_run.load_network(), toy_run.image_shape, toy_run.record.class_names, tmp_path / "model.onnx"
    )
    assert found.startswith(said)


def test_an_exported_file_opens_in_onnx_runtime_with_its_class_names(toy_run: Run, tmp_path: Path) -> None:
    path = export(toy_run, "onnx")
    try:
        session = onnxruntime.InferenceSession(path)
        assert path.name == "model.onnx"
        assert json.loads(session.get_modelmeta().custom_metadata_map["class_names"]) == list(
            toy_run.record.class_names
        )
        assert session.get_inputs()[0].shape == ["n", 3, 32, 32]
    finally:
        path.unlink()
