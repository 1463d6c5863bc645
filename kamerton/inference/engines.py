"""What computes probabilities: ONNX Runtime, PyTorch, and ONNX Runtime in eight-bit numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float32
from torch import nn

from kamerton.arrays import Probabilities
from kamerton.batches.reading import read_batches, to_network_input
from kamerton.data.cubes.cube import open_cube
from kamerton.errors import UsageError
from kamerton.formats.int8 import quantised
from kamerton.formats.onnx_file import INPUT, OUTPUT, OUTPUTS_WITH_FEATURES, onnx_bytes, open_session
from kamerton.machine.computation import Computation
from kamerton.networks.cost import share_in_tiles
from kamerton.networks.features import WithFeatures
from kamerton.progress import Progress
from kamerton.runs.folder import Run
from kamerton.runs.places import find_cube
from kamerton.runs.record import CubeRecord

Found = TypeVar("Found")

BATCH_IMAGES = 64
"""Images of a batch in which a cube is predicted."""

LEAST_SHARE_IN_TILES = 0.8
"""Of a network's operations, from which PyTorch in tiles is faster than ONNX Runtime (docs/log.md, Speed)."""

CALIBRATION_BATCHES, CALIBRATION_BATCH_IMAGES = 16, 32
"""Of training images, that int8 takes its scales from: 512 of them."""

Engine = Callable[[torch.Tensor], Probabilities]
"""From images (n, channels, size, size) scaled to 0..1, on the device, to probabilities (n, classes)."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network says of n galaxies, and what it saw in them."""

    probabilities: Probabilities
    logits: Float32[np.ndarray, "n classes"]
    """Whose softmax the probabilities are; their scale tells how much of a class there is."""
    features: Float32[np.ndarray, "n features"]
    """What the last dense layer was given (`kamerton.networks.features`)."""


AnswerEngine = Callable[[torch.Tensor], Answers]
"""From images as above to all three."""


def float32_engine(network: nn.Module, image_shape: tuple[int, int, int], computation: Computation) -> Engine:
    """Choose what computes a network's probabilities in float32 fastest; ``image_shape`` is (height, width, channels).

    That is PyTorch on a GPU, and on the CPU ONNX Runtime, or PyTorch where that is missing. Whole batches go
    through PyTorch on the CPU too where nearly all of the work is in wide convolutions and the computation is in
    tiles. The ONNX model is made anew from the network's own weights: no file of it is read.
    """
    with_torch = torch_engine(network, computation)
    return _fastest(with_torch, onnx_engine, network, image_shape, computation, features=False)


def float32_answers(network: nn.Module, image_shape: tuple[int, int, int], computation: Computation) -> AnswerEngine:
    """Choose what computes a network's answers in float32 fastest, as `float32_engine` does."""
    with_torch = torch_answers(network, image_shape, computation)
    return _fastest(with_torch, onnx_answers, network, image_shape, computation, features=True)


def _fastest(
    with_torch: Callable[[torch.Tensor], Found],
    of_session: Callable[[Any], Callable[[torch.Tensor], Found]],
    network: nn.Module,
    image_shape: tuple[int, int, int],
    computation: Computation,
    *,
    features: bool,
) -> Callable[[torch.Tensor], Found]:
    if computation.device.type != "cpu":
        return with_torch
    session = open_session(onnx_bytes(network, image_shape, features=features), torch.get_num_threads())
    if session is None:
        return with_torch
    with_onnx = of_session(session)
    if not _gains_in_tiles(network, image_shape, computation):
        return with_onnx
    return lambda images_nchw: (with_torch if len(images_nchw) >= BATCH_IMAGES else with_onnx)(images_nchw)


def _gains_in_tiles(network: nn.Module, image_shape: tuple[int, int, int], computation: Computation) -> bool:
    size, _, channels = image_shape
    return (
        computation.in_tiles
        and share_in_tiles(network, size=size, channels=channels, images=BATCH_IMAGES) >= LEAST_SHARE_IN_TILES
    )


def torch_engine(network: nn.Module, computation: Computation) -> Engine:
    """Let PyTorch compute."""
    computation.lay_out(network)

    def predict(images_nchw: torch.Tensor) -> npt.NDArray[np.float32]:
        with computation.active():
            logits = network(computation.arranged(images_nchw))
            found: npt.NDArray[np.float32] = logits.softmax(1).cpu().numpy()
        return found

    return predict


def torch_answers(network: nn.Module, image_shape: tuple[int, int, int], computation: Computation) -> AnswerEngine:
    """Let PyTorch compute all that a network says and saw."""
    tapped = WithFeatures(computation.lay_out(network), image_shape).eval()

    def answer(images_nchw: torch.Tensor) -> Answers:
        with computation.active():
            return Answers(*(part.float().cpu().numpy() for part in tapped(computation.arranged(images_nchw))))

    return answer


def onnx_engine(session: Any) -> Engine:
    """Let ONNX Runtime compute in an open session."""

    def predict(images_nchw: torch.Tensor) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = session.run([OUTPUT], {INPUT: images_nchw.contiguous().numpy()})[0]
        return found

    return predict


def onnx_answers(session: Any) -> AnswerEngine:
    """Let ONNX Runtime compute all that a network says and saw."""

    def answer(images_nchw: torch.Tensor) -> Answers:
        return Answers(*session.run(list(OUTPUTS_WITH_FEATURES), {INPUT: images_nchw.contiguous().numpy()}))

    return answer


def int8_answers(network: nn.Module, run: Run, device: torch.device, watcher: Progress | None = None) -> AnswerEngine:
    """Let ONNX Runtime compute in eight-bit numbers; UsageError where it cannot."""
    if device.type != "cpu" or find_spec("onnxruntime") is None:
        raise UsageError(
            "int8 is computed by ONNX Runtime on the CPU",
            received=str(device) if device.type != "cpu" else "no onnxruntime",
            next_step="leave int8 out, or use the CPU with onnxruntime installed",
        )
    content = onnx_bytes(network, run.image_shape, features=True)
    small = quantised(content, _calibration_batches(run, watcher), watcher)
    return onnx_answers(open_session(small, torch.get_num_threads()))


def _where_it_was(record: CubeRecord) -> str:
    """Say where the training images were looked for."""
    from_there = "" if record.beside is None else f"{record.beside} from the run folder, then "
    return f"not at {from_there}{record.path}, or other galaxies"


def _calibration_batches(run: Run, watcher: Progress | None) -> list[npt.NDArray[np.float32]]:
    """Read equal batches of training images from the whole length of the cube; UsageError where it is gone."""
    record = run.record.data.get("train")
    place = None if record is None else find_cube(run, record.path, record.beside, record.fingerprint, watcher)
    if record is None or place is None:
        raise UsageError(
            f"{run.path}: int8 takes its scales from the training images, and they are not there",
            received="no record of them" if record is None else _where_it_was(record),
            next_step="bring that cube back, or leave int8 out",
        )
    with open_cube(place) as cube:
        count = min(CALIBRATION_BATCH_IMAGES, len(cube))
        batches = min(CALIBRATION_BATCHES, len(cube) // count)
        rows = np.linspace(0, len(cube) - 1, count * batches).astype(np.int64).reshape(batches, count)
        shape = run.record.preprocessing
        return [to_network_input(images_nhwc, shape).numpy() for images_nhwc, _ in read_batches(cube, list(rows))]
