"""ONNX Runtime answers as PyTorch does, for every network of the table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from kamerton.formats.exporting import export
from kamerton.formats.onnx_file import INPUT, OUTPUT, onnx_bytes, open_session
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
