"""``kamerton report``: runs compared, on one page that opens offline, prints well, and names its own limits."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from kamerton.checks import several
from kamerton.config.judging import REPORT_PAGE, ReportSettings
from kamerton.errors import OutputError, UnknownNameError
from kamerton.evaluation.compare import compare
from kamerton.evaluation.comparison import Comparison
from kamerton.files import OR_OVERWRITE, require_new, require_writable, whole_file
from kamerton.opening import open_plain
from kamerton.progress import Progress
from kamerton.reporting.beside import beside_runs
from kamerton.reporting.languages import LANGUAGES
from kamerton.reporting.pictures import Pictures
from kamerton.reporting.telling import Teller
from kamerton.runs.folder import Run

GENERATOR = b'<meta name="generator" content="Kamerton">'
"""In the head of every page, which tells ours from others."""
HEAD_BYTES = 400


def report(
    runs: Run | str | Path | Iterable[Run | str | Path],
    out: str | Path = REPORT_PAGE,
    *,
    lang: str = ReportSettings.lang,
    dataset: str | None = ReportSettings.dataset,
    resamples: int = ReportSettings.resamples,
    seed: int = ReportSettings.seed,
    beside: str | Path | Iterable[str | Path] = (),
    overwrite: bool = False,
    watcher: Progress | None = None,
) -> Path:
    """Write a page that compares runs, in English (``en``) or Polish (``pl``), and give its path.

    Everything is in the one file, which with ``overwrite`` takes the place of an earlier report. What `labels`,
    `similar` and `next_galaxies` wrote is shown too, where it lies in a run folder or is named by ``beside``.
    Raises UnknownNameError for another language, OutputError where ``out`` exists, or with ``overwrite`` is no report,
    UsageError or DataError for what is named beside and is no such result, and what `compare` raises.
    """
    _require_language(lang)
    _require_place(Path(out), overwrite=overwrite)
    named: tuple[str | Path, ...] = several(beside, str, Path)
    beside_runs([], named)
    compared = compare(runs, dataset=dataset, resamples=resamples, seed=seed, watcher=watcher)
    return write_report(compared, out, lang=lang, beside=named, overwrite=overwrite)


def write_report(
    comparison: Comparison,
    out: str | Path,
    *,
    lang: str = ReportSettings.lang,
    beside: str | Path | Iterable[str | Path] = (),
    overwrite: bool = False,
) -> Path:
    """Write the page of a comparison that is made already, and give its path; else as `report`."""
    _require_language(lang)
    _require_place(Path(out), overwrite=overwrite)
    page = report_page(comparison, lang, several(beside, str, Path))
    with whole_file(Path(out)) as partial:
        # Names in a run folder's files may hold halves of letters, which no UTF-8 has.
        partial.write_text(page, encoding="utf-8", errors="backslashreplace")
    return Path(out)


def _require_place(out: Path, *, overwrite: bool) -> None:
    """Refuse a place that is taken (OutputError); with ``overwrite``, by what is no page of ours: it would be lost."""
    if not overwrite:
        require_new(out, OR_OVERWRITE)
    elif os.path.lexists(out) and not (_is_own_page(out) and not out.is_symlink()):
        raise OutputError(
            f"{out} is no report that Kamerton wrote",
            received="a file of another origin" if out.is_file() and not out.is_symlink() else "a link or a folder",
            next_step="choose another name or move it away; nothing was changed",
        )
    else:
        require_writable(out)


def _is_own_page(path: Path) -> bool:
    try:
        with open_plain(path) as file:
            return GENERATOR in file.read(HEAD_BYTES)
    except OSError:
        return False


def _require_language(lang: str) -> None:
    if lang not in LANGUAGES:
        raise UnknownNameError("language", lang, LANGUAGES)


def report_page(comparison: Comparison, lang: str, beside: Iterable[str | Path] = ()) -> str:
    """Give the page of a comparison as HTML; it needs nothing from outside, and runs nothing."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("kamerton.reporting", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    runs = dict.fromkeys(one.run for result in comparison.networks for one in result.predictions)
    teller = Teller.of(comparison, lang)
    pictures = Pictures(teller.language, teller.comparison, tuple(beside_runs(runs, beside)))
    return environment.get_template("page.html.j2").render(lang=lang, **teller.texts(), **pictures.content())
