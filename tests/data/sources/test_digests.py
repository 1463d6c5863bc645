"""By what a source is known again."""

from __future__ import annotations

from pathlib import Path

import pytest

from kamerton.data.sources.digests import END_BYTES, file_digest, folder_digest
from kamerton.errors import DataError


@pytest.mark.parametrize("size_bytes", [0, 10, END_BYTES, END_BYTES + 5, 2 * END_BYTES + 5])
def test_a_file_of_another_size_or_end_is_another(size_bytes: int, tmp_path: Path) -> None:
    path = tmp_path / "a"
    content = bytes(size_bytes)
    digests = set()
    for variant in (content, content + b"\0", content[:-1] + b"\1", b"\1" + content[1:]):
        path.write_bytes(variant)
        digests.add(file_digest(path))
    assert len(digests) == (4 if size_bytes > 1 else 3)


def test_a_folder_of_other_names_or_sizes_is_another(tmp_path: Path) -> None:
    digests = [folder_digest(tmp_path)]
    (tmp_path / "a").touch()
    digests.append(folder_digest(tmp_path))
    (tmp_path / "a").write_text("1")
    digests.append(folder_digest(tmp_path))
    (tmp_path / "a").rename(tmp_path / "b")
    digests.append(folder_digest(tmp_path))
    assert len(set(digests)) == 4
    assert folder_digest(tmp_path) == digests[-1]


def test_a_file_that_is_gone_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        file_digest(tmp_path / "a")
