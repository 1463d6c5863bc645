"""Networks as ONNX, for ONNX Runtime and every other program that reads it."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from kamerton.config import PIXEL_SCALE
from kamerton.files import whole_file

INPUT, OUTPUT = "images", "probabilities"
"""Images (n, channels, size, size) scaled to 0..1 give probabilities (n, classes)."""

OPSET = 17
"""Read by ONNX Runtime since 1.12, of 2022."""


class _WithSoftmax(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(images_nchw)
        return logits.softmax(1)


def onnx_bytes(network: nn.Module, image_shape: tuple[int, int, int]) -> bytes:
    """Give a network, in evaluation mode, as an ONNX model; ``image_shape`` is (height, width, channels)."""
    height, width, channels = image_shape
    model, content = _WithSoftmax(network).eval(), io.BytesIO()
    # The older of PyTorch's two exporters: a second instead of ten, and no further package.
    exporting: dict[str, Any] = {"dynamo": False, "opset_version": OPSET, "do_constant_folding": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (torch.zeros(2, channels, height, width),),
            content,  # type: ignore[arg-type]
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "n"}, OUTPUT: {0: "n"}},
            **exporting,
        )
    return content.getvalue()


def write_onnx(network: nn.Module, image_shape: tuple[int, int, int], class_names: tuple[str, ...], path: Path) -> None:
    """Write a network as ONNX, with the names of its classes in the file's metadata."""
    import onnx

    model = onnx.load_model_from_string(onnx_bytes(network, image_shape))
    onnx.helper.set_model_props(
        model, {"class_names": json.dumps(class_names, ensure_ascii=False), "pixel_scale": f"{PIXEL_SCALE:g}"}
    )
    with whole_file(path) as partial:
        onnx.save_model(model, str(partial))


def open_session(content: bytes, threads: int) -> Any:
    """Open an ONNX model in ONNX Runtime on the CPU; None where ONNX Runtime is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Errors only.
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
