from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from kamerton.catalogue import sky_order
from kamerton.catalogue.sky_order import SkyOrder
from kamerton.catalogue.sky_tiles import BASE_PIXELS, INDEX_ORDER, choose_tiles, count_galaxies

SCHEMA = pa.schema([("_healpix_29", pa.int64()), ("row", pa.int64())])


@pytest.mark.parametrize("piece_rows", [1, 70, 1000])
def test_tiles_give_all_rows_in_the_order_of_the_sky(
    piece_rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sky_order, "PIECE_ROWS", piece_rows)
    # Many have the same place.
    indices = np.random.default_rng(0).integers(0, 40, 300) * ((BASE_PIXELS << 2 * INDEX_ORDER) // 40)
    tiles = choose_tiles(count_galaxies(indices), 20)
    order = SkyOrder(tmp_path, SCHEMA, tiles)
    for start in range(0, 300, 30):
        order.append(pa.table([indices[start : start + 30], range(start, start + 30)], schema=SCHEMA))
    order.finish()
    rows = pa.concat_tables([order.read(number) for number in range(len(tiles))])
    expected = np.argsort(indices, kind="stable")
    assert rows["row"].to_pylist() == expected.tolist()
    assert rows["_healpix_29"].to_pylist() == indices[expected].tolist()
