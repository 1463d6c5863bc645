"""The page about labels."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kamerton.labelling.page import THUMBNAIL_PX, thumbnail


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_galaxy_of_any_channels_is_a_small_picture(channels: int, dtype: Any) -> None:
    image_hwc = np.full((300, 300, channels), 40, dtype)
    image_hwc[:150] = 200
    kind, _, content = thumbnail(image_hwc).partition(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as picture:
        assert picture.size == (THUMBNAIL_PX, THUMBNAIL_PX)
        pixels = np.asarray(picture.convert("L"), np.float64)
    assert pixels[: THUMBNAIL_PX // 3].mean() == pytest.approx(200, abs=2)
    assert pixels[-THUMBNAIL_PX // 3 :].mean() == pytest.approx(40, abs=2)
