"""Networks quantised to eight-bit integers, for faster predictions on a CPU."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kamerton.formats.onnx_file import INPUT
from kamerton.progress import Advance, Progress, Silent

PERCENTILE = 99.9995
"""Share of a layer's values that keep their distance from each other; the few beyond are cut off."""


def quantised(
    content: bytes, batches_nchw: Sequence[npt.NDArray[np.float32]], watcher: Progress | None = None
) -> bytes:
    """Turn an ONNX model of a network into one of eight-bit weights and values, with scales learned from images.

    ``batches_nchw`` are equal in size, and scaled as the model's input. Weights have a scale for each channel and
    seven of their eight bits, for products of eight bits overflow in AVX2's sums (ONNX Runtime's static quantisation,
    ``reduce_range``). The first convolution and the softmax stay as they are: both are small,
    the one sees the pixels, and the other would know no probabilities between two steps of 1/256.
    """
    from onnxruntime import quantization
    from onnxruntime.quantization import calibrate
    from onnxruntime.quantization.shape_inference import quant_pre_process

    logging.getLogger().addFilter(_without_advice)
    # It prints its progress on stdout, where a command's answer is JSON.
    calibrate.print = lambda *_, **__: None
    try:
        with (
            tempfile.TemporaryDirectory(prefix="kamerton-int8-") as folder,
            (watcher or Silent()).task("finding the scales of int8", len(batches_nchw), "batches") as advance,
        ):
            plain, prepared, small = (Path(folder) / f"{name}.onnx" for name in ("plain", "prepared", "small"))
            plain.write_bytes(content)
            quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
            quantization.quantize_static(
                str(prepared),
                str(small),
                _reader(batches_nchw, advance),
                quant_format=quantization.QuantFormat.QDQ,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
                calibrate_method=quantization.CalibrationMethod.Percentile,
                nodes_to_exclude=_kept_exact(prepared),
                extra_options={"CalibPercentile": PERCENTILE},
            )
            return small.read_bytes()
    finally:
        logging.getLogger().removeFilter(_without_advice)
        del calibrate.print


def _kept_exact(model: Path) -> list[str]:
    """Name the nodes that stay in float32: the first convolution, and the softmax."""
    import onnx

    nodes = onnx.load(model).graph.node
    convolutions = [node.name for node in nodes if node.op_type == "Conv"]
    return convolutions[:1] + [node.name for node in nodes if node.op_type == "Softmax"]


def _reader(batches_nchw: Sequence[npt.NDArray[np.float32]], advance: Advance) -> Any:
    """Hand out the batches as ONNX Runtime asks for them."""
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.waiting: Iterator[npt.NDArray[np.float32]] = iter(batches_nchw)

        def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
            batch = next(self.waiting, None)
            if batch is None:
                return None
            advance()
            return {INPUT: batch}

    return Reader()


def _without_advice(record: logging.LogRecord) -> bool:
    """Leave out the advice to prepare the model first, which was done."""
    return "pre-processing" not in record.getMessage()
