"""Whether pictures go together: of one size, with pixels that came to be in one way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kamerton.config.pictures import PixelOrigin
from kamerton.data.cubes.origin import stretch_differs
from kamerton.errors import PictureError


@dataclass(frozen=True)
class Likeness:
    """What the pictures of one cube or source share with the first of them."""

    path: Path
    side_px: int
    origin: PixelOrigin


def require_alike(
    one: Likeness, first: Likeness, *, listed: str = "", one_size: str, other_size: str, other_way: str
) -> None:
    """Refuse a picture that does not go with the first; the PictureError names both.

    ``listed`` says where it was listed; ``one_size`` where all have one; the others what to do with it.
    """
    if one.side_px != first.side_px:
        raise PictureError(
            f"{listed}{one.path}: another size than the first picture, {first.path}",
            received=f"{one.side_px} x {one.side_px} pixels, not {first.side_px} x {first.side_px}",
            allowed=one_size,
            next_step=other_size,
        )
    if stretch_differs(one.origin, first.origin):
        raise PictureError(
            f"{listed}{one.path}: its pixels come to be in another way than those of the first, {first.path}",
            received=f"{one.origin}, beside {first.origin}",
            allowed="cutouts of the same bands, or pictures only",
            next_step=other_way,
        )
