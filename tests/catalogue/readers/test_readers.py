"""A catalogue is read as it was written, in every form, and what is none is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from astropy.io import fits

from kamerton.catalogue.columns import Features, Header, arrow_schema, catalogue_columns, class_facts
from kamerton.catalogue.readers import READERS, open_catalogue
from kamerton.catalogue.readers.opened import texts, values
from kamerton.catalogue.writers import WRITERS
from kamerton.errors import DataError, UsageError

CLASSES = ("E / S0", "spiralna z poprzeczką")
COUNT, LENGTH = 7, 3
FORMS = [".parquet", ".fits", ".vot", ".csv"]


def header_of(ending: str) -> Header:
    features = None if ending == ".csv" else Features("all", LENGTH)
    columns = catalogue_columns({"mag": "float64"}, CLASSES, positions=True, features=features)
    return Header("Galaxies", columns, {"run": "łódź", **class_facts(CLASSES)})


def rows_of(header: Header) -> pa.Table:
    rng = np.random.default_rng(0)
    cells = {
        "id": [f"łuk {row}\\" for row in range(COUNT)],
        "ra": [None, *rng.uniform(0, 360, COUNT - 1)],
        "dec": [None, *rng.uniform(-90, 90, COUNT - 1)],
        "mag": rng.normal(size=COUNT),
        "predicted_class": [None, *[CLASSES[1]] * (COUNT - 1)],
        "p_e_s0": [None, *rng.random(COUNT - 1)],
        "p_spiralna_z_poprzeczka": [None, *rng.random(COUNT - 1)],
        "flags": [None, *[0] * (COUNT - 1)],
        "status": ["cannot be read", *[None] * (COUNT - 1)],
        "features": [[np.nan] * LENGTH, *rng.normal(size=(COUNT - 1, LENGTH))],
    }
    schema = arrow_schema(header.columns)
    return pa.table({name: pa.array(cells[name], schema.field(name).type) for name in schema.names}, schema=schema)


def write(folder: Path, ending: str) -> Path:
    header = header_of(ending)
    with WRITERS[ending](folder / f"x{ending}", header, COUNT) as writer:
        writer.append(rows_of(header))
    return folder / f"x{ending}"


@pytest.mark.parametrize("ending", FORMS)
def test_every_form_gives_what_was_written(tmp_path: Path, ending: str) -> None:
    expected = rows_of(header_of(ending))
    with open_catalogue(write(tmp_path, ending)) as found:
        assert (len(found), found.columns) == (COUNT, tuple(expected.column_names))
        assert found.class_names == {"e_s0": CLASSES[0], "spiralna_z_poprzeczka": CLASSES[1]}
        assert found.facts["run"] == "łódź"
        (table,) = found.tables(found.columns)
        for name in ("id", "predicted_class", "status"):
            assert texts(table, name) == ["" if text is None else text for text in expected[name].to_pylist()]
        for name in ("ra", "dec", "mag", "p_e_s0"):
            numbers = pd.to_numeric(expected[name].to_pandas()).to_numpy()
            np.testing.assert_allclose(values(table, name), numbers, rtol=1e-6)
        if found.has_features:
            (features,) = found.features()
            np.testing.assert_allclose(features, np.stack(expected["features"].to_pylist()), rtol=1e-6)


@pytest.mark.parametrize("ending", FORMS)
def test_some_rows_come_in_the_order_that_is_asked_for(tmp_path: Path, ending: str) -> None:
    with open_catalogue(write(tmp_path, ending)) as found:
        table = found.pick(np.array([5, 0, 3]), ["id"])
    assert texts(table, "id") == ["łuk 5\\", "łuk 0\\", "łuk 3\\"]


def test_a_column_that_is_not_there_is_nothing_known(tmp_path: Path) -> None:
    with open_catalogue(write(tmp_path, ".parquet")) as found:
        (table,) = found.tables(["id"])
    assert np.isnan(values(table, "ra")).all()
    assert set(texts(table, "status")) == {""}


def test_a_file_that_pandas_wrote_again_does(tmp_path: Path) -> None:
    pd.read_parquet(write(tmp_path, ".parquet")).to_parquet(tmp_path / "again.parquet")
    with open_catalogue(tmp_path / "again.parquet") as found:
        assert [block.shape for block in found.features()] == [(COUNT, LENGTH)]
        assert list(found.class_names) == ["e_s0", "spiralna_z_poprzeczka"]


def with_entities(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("<VOTABLE", '<!DOCTYPE x [<!ENTITY a "b">]><VOTABLE', 1), encoding="utf-8")


def with_many_rows(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(f'nrows="{COUNT}"', 'nrows="999999999999"'), encoding="utf-8")


def with_wide_cells(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(f'arraysize="{LENGTH}"', 'arraysize="99999999"'), encoding="utf-8")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def other_table(path: Path) -> None:
    path.unlink()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([fits.Column("id", "3A")], nrows=2)]).writeto(path)


def changed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3000] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("ending", "spoil", "said"),
    [
        (".vot", with_entities, "a declaration of its own"),
        (".vot", with_many_rows, "999999999999 rows in"),
        (".vot", with_wide_cells, "rows in"),
        (".vot", cut, "not a VOTable with BINARY2"),
        (".fits", cut, "x.fits"),
        (".fits", other_table, "no catalogue in its HDU 1"),
        (".fits", changed, "x.fits"),
        (".parquet", cut, "damaged, or no catalogue"),
    ],
)
def test_what_is_spoilt_is_one_line(tmp_path: Path, ending: str, spoil: Callable[[Path], None], said: str) -> None:
    path = write(tmp_path, ending)
    spoil(path)
    with pytest.raises(DataError, match=re.escape(said)), open_catalogue(path) as found:
        list(found.tables(found.columns))


def test_what_is_no_catalogue_is_refused_with_the_forms_that_are(tmp_path: Path) -> None:
    (tmp_path / "x.ecsv").write_text("# %ECSV 1.0\n", encoding="utf-8")
    for path in (tmp_path, tmp_path / "x.ecsv"):
        with pytest.raises(DataError, match="no catalogue of `kamerton predict`") as refused, open_catalogue(path):
            pass
        assert all(kind.reads in str(refused.value) for kind in READERS)
    with pytest.raises(UsageError, match="cannot be read"), open_catalogue(tmp_path / "nothing.parquet"):
        pass
    pd.DataFrame({"name": ["a"]}).to_parquet(tmp_path / "y.parquet")
    with (
        pytest.raises(DataError, match="not a catalogue of `kamerton predict`"),
        open_catalogue(tmp_path / "y.parquet"),
    ):
        pass
