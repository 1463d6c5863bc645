"""Nothing in the package can run what a file holds: no pickle, no evaluation of text, no lenient loaders."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "kamerton"
MODULES = sorted(PACKAGE.rglob("*.py"))

MODULES_THAT_RUN_DATA = {
    *("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml", "jsonpickle"),
    *("code", "codeop", "runpy", "multiprocessing"),
}
"""What turns bytes into running code, by itself or, as multiprocessing, through pickle."""

CALLS_THAT_RUN_DATA = {"eval", "exec", "compile", "__import__"}

METHODS_THAT_RUN_DATA = {
    *("torch.load", "torch.save", "torch.jit.load", "torch.hub.load", "torch.package.PackageImporter"),
    *("pd.read_pickle", "pandas.read_pickle", "np.fromregex", "importlib.import_module", "os.system", "os.popen"),
    *("keras.saving.load_model", "keras.models.load_model", "keras.saving.deserialize_keras_object"),
    *("keras.config.enable_unsafe_deserialization",),
}

KEYWORDS_THAT_ALLOW_IT = {"allow_pickle": True, "safe_mode": False, "weights_only": False, "shell": True}


ALLOWED = {
    # The one import by name is of the package's own parts, from a table that stands in its source.
    "__init__.py": {"importlib.import_module()"},
    # What passes there comes from processes that this one has begun itself, and from no file.
    "machine/workers.py": {"from multiprocessing import", "from multiprocessing.connection import"},
}


def parsed(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def faults(path: Path) -> Iterator[str]:
    """What in a module could run what a file holds."""
    for node in parsed(path):
        if isinstance(node, ast.Import):
            yield from (f"import {alias.name}" for alias in node.names if is_dangerous(alias.name))
        elif isinstance(node, ast.ImportFrom) and is_dangerous(node.module or ""):
            yield f"from {node.module} import"
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in CALLS_THAT_RUN_DATA | METHODS_THAT_RUN_DATA and not builds_tensors_only(name, node):
                yield f"{name}()"
            for keyword in node.keywords:
                value = keyword.value.value if isinstance(keyword.value, ast.Constant) else object()
                if KEYWORDS_THAT_ALLOW_IT.get(keyword.arg or "", object()) == value:
                    yield f"{name}({keyword.arg}={value})"
        elif isinstance(node, ast.Attribute) and node.attr in {"read_pickle", "to_pickle", "load_model"}:
            yield node.attr


def builds_tensors_only(name: str, call: ast.Call) -> bool:
    """PyTorch's reader in the mode that makes tensors of a file and runs nothing."""
    return name == "torch.load" and any(
        keyword.arg == "weights_only" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True
        for keyword in call.keywords
    )


def is_dangerous(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] in MODULES_THAT_RUN_DATA


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_can_run_what_a_file_holds(path: Path) -> None:
    allowed = ALLOWED.get(path.relative_to(PACKAGE).as_posix(), set())
    assert set(faults(path)) - allowed == set()


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "exec(text)",
        "torch.load(path)",
        "np.load(path, allow_pickle=True)",
        "keras.saving.load_model(path)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_the_search_finds_what_it_looks_for(line: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(line)
    assert list(faults(tmp_path / "a.py")) != []
