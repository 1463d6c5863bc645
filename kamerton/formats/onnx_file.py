"""Networks as ONNX, for ONNX Runtime and every other program that reads it."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from kamerton.config.pictures import PIXEL_SCALE
from kamerton.errors import ModelFileError
from kamerton.files import whole_file
from kamerton.networks.features import WithFeatures
from kamerton.quiet import Filter, Quiet

if TYPE_CHECKING:
    import onnx

INPUT, OUTPUT = "images", "probabilities"
"""Images (n, channels, size, size) scaled to 0..1 give probabilities (n, classes)."""

OUTPUTS_WITH_FEATURES = (OUTPUT, "logits", "features")
"""Of a model that also says what the network saw (`WithFeatures`)."""

OPSET = 17
"""Read by ONNX Runtime since 1.12, of 2022."""

_EXPORTING = threading.Lock()
"""PyTorch's exporter keeps what it does in one place a process: a second thread in it is an AssertionError."""

_WORDS_OF_TORCH = Quiet(Filter("ignore", Warning))
"""On its older exporter, and on shapes that are constants here."""

SPARE_BYTES = 1 << 20
"""By which a file may be longer than twice what is exported now."""

DIFFERENCES: dict[str, Callable[[onnx.ModelProto], object]] = {
    "class names": lambda model: [(prop.key, prop.value) for prop in model.metadata_props],
    "inputs": lambda model: [value.SerializeToString() for value in (*model.graph.input, *model.graph.output)],
    "layers": lambda model: [node.SerializeToString() for node in model.graph.node],
    "meanings of layers": lambda model: [one.SerializeToString() for one in (*model.opset_import, *model.functions)],
    "shapes": lambda model: [(part.name, part.data_type, tuple(part.dims)) for part in model.graph.initializer],
    # Those of ours are in the file, every one of them.
    "places of weights": lambda model: (
        [part.data_location for part in model.graph.initializer],
        len(model.graph.sparse_initializer),
    ),
}
"""What is looked at beside the weights, in words."""


class _WithSoftmax(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(images_nchw)
        return logits.softmax(1)


def onnx_bytes(network: nn.Module, image_shape: tuple[int, int, int], *, features: bool = False) -> bytes:
    """Give a network, in evaluation mode, as an ONNX model; ``image_shape`` is (height, width, channels).

    With ``features`` it has the three outputs of `OUTPUTS_WITH_FEATURES`.
    """
    height, width, channels = image_shape
    model = WithFeatures(network, image_shape).eval() if features else _WithSoftmax(network).eval()
    outputs, content = OUTPUTS_WITH_FEATURES if features else (OUTPUT,), io.BytesIO()
    # The older of PyTorch's two exporters: a second instead of ten, and no further package.
    exporting: dict[str, Any] = {"dynamo": False, "opset_version": OPSET, "do_constant_folding": True}
    with _EXPORTING, _WORDS_OF_TORCH:
        torch.onnx.export(
            model,
            (torch.zeros(2, channels, height, width),),
            content,  # type: ignore[arg-type]
            input_names=[INPUT],
            output_names=list(outputs),
            dynamic_axes={name: {0: "n"} for name in (INPUT, *outputs)},
            **exporting,
        )
    return content.getvalue()


def write_onnx(network: nn.Module, image_shape: tuple[int, int, int], class_names: tuple[str, ...], path: Path) -> None:
    """Write a network as ONNX, with the names of its classes in the file's metadata."""
    import onnx

    model = _named(onnx_bytes(network, image_shape), class_names)
    with whole_file(path) as partial:
        onnx.save_model(model, str(partial))


def _named(content: bytes, class_names: tuple[str, ...]) -> onnx.ModelProto:
    """Put the names of the classes into a model."""
    import onnx

    model = onnx.load_model_from_string(content)
    onnx.helper.set_model_props(
        model, {"class_names": json.dumps(class_names, ensure_ascii=False), "pixel_scale": f"{PIXEL_SCALE:g}"}
    )
    return model


def read_onnx(path: Path, limit_bytes: int) -> onnx.ModelProto:
    """Read an ONNX file and execute nothing; ModelFileError where it is none, or longer than ``limit_bytes``."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        if not path.is_file() or path.stat().st_size > limit_bytes:
            raise ValueError(f"no plain file of at most {limit_bytes} bytes")
        return onnx.load_model_from_string(path.read_bytes())
    except (OSError, ValueError, DecodeError) as error:
        raise ModelFileError(f"{path}: cannot be read as ONNX", received=error, next_step="export it again") from error


def onnx_difference(
    network: nn.Module, image_shape: tuple[int, int, int], class_names: tuple[str, ...], path: Path
) -> str:
    """Say in what an ONNX file differs from what a network is exported as; empty where it does not.

    Raises ModelFileError where the file cannot be read.
    """
    content = _named(onnx_bytes(network, image_shape), class_names)
    ours = content.SerializeToString()
    theirs = read_onnx(path, 2 * len(ours) + SPARE_BYTES)
    if theirs.SerializeToString() == ours:
        return ""
    for what, look in DIFFERENCES.items():
        if look(theirs) != look(content):
            return f"other {what} than the run's, written by PyTorch {theirs.producer_version}"
    return "" if _close(theirs, content) else "other weights than the run's"


def _close(theirs: onnx.ModelProto, ours: onnx.ModelProto) -> bool:
    """Compare the weights, whose last bits depend on the processor that folded them."""
    from onnx import numpy_helper

    pairs = zip(theirs.graph.initializer, ours.graph.initializer, strict=True)
    try:
        return all(
            np.allclose(numpy_helper.to_array(their), numpy_helper.to_array(our), rtol=1e-4, atol=1e-6)
            for their, our in pairs
        )
    # Of weights that are fewer or more than their shape says.
    except (ValueError, TypeError):
        return False


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
