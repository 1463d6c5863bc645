"""The notebooks run from the first cell to the last, one after another as a course would."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from astropy.table import Table
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the notebooks find what those before them made."""
    return tmp_path_factory.mktemp("course")


@pytest.mark.long
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_to_its_end(course: Path, path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(course)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert outputs


def test_there_are_six() -> None:
    assert [path.stem[0] for path in NOTEBOOKS] == ["1", "2", "3", "4", "5", "6"]


LARGEST_BYTES = 500_000
"""Of a notebook with its pictures."""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_with_its_outputs(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not [output for output in outputs if output.output_type == "error"]
    assert path.stat().st_size < LARGEST_BYTES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_two_exercises_with_their_solutions(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    exercises = [number for number, cell in enumerate(cells) if cell.source.startswith("## Exercise")]
    assert len(exercises) == 2
    assert all("solution" in cells[number + 1].metadata.get("tags", []) for number in exercises)


@pytest.mark.long
def test_the_first_and_the_fifth_take_real_galaxies_where_they_are(real_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project/notebooks"
    folder.mkdir(parents=True)
    (tmp_path / "shared").symlink_to(real_data.parent)
    for path in (NOTEBOOKS[0], NOTEBOOKS[4]):
        notebook = nbformat.read(path, as_version=4)
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    assert len((folder / "galaxies.csv").read_text(encoding="utf-8").splitlines()) == 601
    assert len((folder / "new.csv").read_text(encoding="utf-8").splitlines()) == 302
    assert len(Table.read(folder / "shapes.vot")) == 301


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_explanation_is_in_english_and_polish(path: Path) -> None:
    texts = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    for text in texts:
        english, polish = re.search(r"\*\*EN\.\*\* (.+)", text), re.search(r"\*\*PL\.\*\* (.+)", text)
        assert english
        assert polish
        assert re.search("[ąćęłńóśźż]", polish[1])
