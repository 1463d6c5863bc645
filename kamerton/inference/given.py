"""Images that a program gives, checked before a network answers: it would answer anything."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Real
from numpy.typing import ArrayLike

from kamerton.data.cubes.pixels import TIMES_255, UNIT_END
from kamerton.errors import UsageError


def network_images(images: ArrayLike | torch.Tensor, channels: int) -> Real[torch.Tensor, "n side side channels"]:
    """Take square images (n, side, side, channels) of any type of number with pixels 0 to 255.

    Bytes stay bytes, and other numbers become float32. UsageError where they are something else.
    """
    given, are_floats = _as_tensor(images)
    _check_axes(tuple(given.shape), channels)
    if given.dtype != torch.uint8 and len(given):
        _check_pixels(given, are_floats)
    return given


def _as_tensor(images: ArrayLike | torch.Tensor) -> tuple[torch.Tensor, bool]:
    """Take numbers as bytes or float32, and tell whether they came as floats."""
    if isinstance(images, torch.Tensor):
        if images.dtype == torch.bool or images.dtype.is_complex:
            raise _not_images(f"a tensor of {images.dtype}")
        as_float32 = images if images.dtype == torch.uint8 else images.to(torch.float32)
        return as_float32, images.dtype.is_floating_point
    array = _as_array(images)
    if array.dtype != np.uint8:
        # What overflows becomes infinite, and is refused as such.
        with np.errstate(over="ignore"):
            return torch.from_numpy(np.ascontiguousarray(array, np.float32)), array.dtype.kind == "f"
    # PyTorch takes no read-only and flipped views, which other libraries give.
    return torch.from_numpy(np.require(array, requirements=["C", "W"])), False


def _as_array(images: ArrayLike) -> Real[np.ndarray, "..."]:
    try:
        array = np.asarray(images)
    except ValueError as error:
        raise _not_images(f"{type(images).__name__}: {error}") from error
    if array.dtype.kind not in "uif":
        raise _not_images(f"{type(images).__name__} of {array.dtype}")
    return array


def _not_images(received: str) -> UsageError:
    return UsageError(
        "These are no images",
        received=received,
        allowed="an array or a tensor of whole numbers or floats",
        next_step="give one array (n, height, width, channels)",
    )


def _check_axes(shape: tuple[int, ...], channels: int) -> None:
    wanted = f"(n, side, side, {channels}), n images of the top row first"
    if len(shape) == 4 and min(shape[1:]) > 0 and shape[1] == shape[2] and shape[3] == channels:
        return
    if len(shape) == 3 and shape[2] == channels:
        what, next_step = "One image without the axis of images", "give images[np.newaxis]"
    elif len(shape) == 4 and shape[1] == channels and shape[2] == shape[3]:
        what, next_step = "Channels before rows and columns", "give np.moveaxis(images, 1, -1)"
    elif len(shape) == 4 and shape[1] != shape[2]:
        what, next_step = "Images that are not square", "crop them, as `kamerton data import` does"
    elif len(shape) == 4 and shape[3] != channels:
        what, next_step = "Images of other channels than the run learned from", "give the same bands"
    else:
        what, next_step = "Not the axes of images", "give one array of images"
    raise UsageError(what, received=f"shape {shape}", allowed=wanted, next_step=next_step)


def _check_pixels(pixels: Real[torch.Tensor, "n side side channels"], are_floats: bool) -> None:
    lowest, highest = (float(end) for end in torch.aminmax(pixels))
    received = f"pixels from {lowest:.6g} to {highest:.6g}"
    # NaN compares as false.
    if not (lowest >= 0 and highest <= 255):
        raise UsageError(
            "Pixels that are not numbers from 0 to 255",
            received=received,
            allowed="0, black, to 255, white, and no NaN",
            next_step="stretch bands of light as those that the run learned from, or leave bad images out",
        )
    if are_floats and lowest < highest < UNIT_END:
        raise UsageError(
            "Pixels of 0 to 1, which are black where 255 is white",
            received=received,
            allowed="0, black, to 255, white",
            next_step=TIMES_255,
        )
