"""Nothing heavy is imported before it is needed, so that the command answers at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    *("torch", "keras", "numpy", "pandas", "scipy", "sklearn", "statsmodels", "astropy", "matplotlib", "pyarrow"),
    *("h5py", "onnx", "onnxruntime", "PIL", "jinja2", "ray", "timm"),
}
"""Not pydantic, which Typer brings with it in some 30 ms."""


def imported_by(*words: str) -> set[str]:
    """The libraries that a command has imported when it ends, in a process of its own."""
    program = f"""
import sys
from kamerton import cli
sys.argv = ["kamerton", *{list(words)!r}]
try:
    cli.main()
except SystemExit as end:
    assert not end.code, end.code
print("\\n" + " ".join(sorted(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stderr.split("\n")[-2].split()}


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], ["train", "--help"], ["data", "--help"], ["export", "--help"], ["networks"]],
)
def test_an_answer_that_computes_nothing_imports_nothing_heavy(words: list[str]) -> None:
    assert not imported_by(*words) & HEAVY


def test_the_package_itself_imports_nothing_heavy() -> None:
    program = "import kamerton, sys; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stdout.split()} & HEAVY


def test_the_witness_sees_what_is_heavy() -> None:
    assert "torch" in imported_by("networks", "--size", "64")
