"""The part that shows runs: all of them, one of them, several side by side, and one that is training now."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from markupsafe import escape
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from kamerton.errors import KamertonError, PictureError, UsageError, heard
from kamerton.evaluation.comparison import Comparison
from kamerton.evaluation.comparison_figures import FIGURES
from kamerton.evaluation.results import RunPredictions
from kamerton.explaining.kept import Kept, kept_explanations
from kamerton.figures.drawing import MANY_CLASSES
from kamerton.figures.testing import short_name
from kamerton.reporting.embedding import MIME, smaller_jpeg
from kamerton.reporting.languages import LANGUAGES, written
from kamerton.reporting.pictures import explained
from kamerton.reporting.report import report_page
from kamerton.reporting.telling import Teller
from kamerton.runs.folder import Run
from kamerton.runs.history import NOTEBOOK_COLUMNS, PENALTY, RATE
from kamerton.runs.record import flattened
from kamerton.serving.images import picture_png
from kamerton.serving.queue import Queue
from kamerton.serving.run_galaxies import Cubes, confusions, rows_of
from kamerton.serving.run_live import Live
from kamerton.serving.run_results import Results, ending_of, version_of
from kamerton.serving.run_states import RunState, RunStates, Tested, short_key
from kamerton.serving.site import Part, Site
from kamerton.serving.words import WORDS

HOME = "/runs"

MOST_COMPARED = 24
"""Runs that are laid side by side on a page; `kamerton compare` takes any number."""

COLOURS = 20
"""Steps of the colours of a confusion matrix."""

LIGHT_SHARE = 0.5
"""From here on a cell is so light that its number is dark, as in the figures."""

STILL = "private, max-age=3600"
"""For what has another address once it is another."""

FIGURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
REPORT_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-popups"
)
"""What the report may do: show its own style and pictures, and run nothing."""


def routes(site: Site) -> list[BaseRoute]:
    """Give the part's addresses."""
    desk = Desk.of(site)
    one = f"{HOME}/{{key}}"
    return [
        Route(HOME, desk.home, methods=["GET"]),
        Route(f"{HOME}/compare", desk.compare, methods=["GET"]),
        Route(f"{HOME}/report", desk.report, methods=["GET"]),
        Route(f"{HOME}/figure/{{name}}", desk.figure, methods=["GET"]),
        Route(one, desk.show, methods=["GET"]),
        Route(f"{one}/curves.svg", desk.curves, methods=["GET"]),
        Route(f"{one}/live", desk.live, methods=["GET"]),
        Route(f"{one}/galaxies", desk.galaxies, methods=["GET"]),
        Route(f"{one}/galaxies/{{row:int}}.png", desk.picture, methods=["GET"]),
        Route(f"{one}/why/{{number:int}}/{{place:int}}.jpg", desk.gallery, methods=["GET"]),
    ]


@dataclass(frozen=True)
class Desk:
    """What answers the part's addresses."""

    site: Site
    states: RunStates
    results: Results
    cubes: Cubes
    live_runs: Live
    queue: Queue
    """Of what is computed and drawn here, so that nobody's galaxy waits for it."""

    @classmethod
    def of(cls, site: Site) -> Desk:
        """Make the desk of a server."""
        states, caps = RunStates(), site.caps
        return cls(site, states, Results(caps), Cubes(), Live(site, states), Queue(caps.waiting, caps.retry_seconds))

    def home(self, request: Request) -> Response:
        """List all runs, as they are now."""
        found = [self.states.look(name, path) for name, path in self.site.run_folders().items()]
        return self.site.page(
            request,
            "runs.html",
            rows=found,
            troubles=[None if one.trouble is None else self.site.said(one.trouble) for one in found],
            folder=self.site.root.name,
            **self._common(request, []),
        )

    def _named(self, key: str) -> tuple[str, Any]:
        """Find a run by its short name in the list that the server makes; a client names nothing else."""
        for name, path in self.site.run_folders().items():
            if short_key(name) == key:
                return name, path
        raise HTTPException(404)

    def _state(self, request: Request) -> RunState:
        return self.states.look(*self._named(request.path_params["key"]))

    def _chosen(self, request: Request) -> list[RunState]:
        """Look at the runs that an address names, in the order of the list."""
        asked = set(request.query_params.getlist("run")[: 4 * MOST_COMPARED])
        found = {short_key(name): (name, path) for name, path in self.site.run_folders().items()}
        if not asked <= found.keys():
            raise HTTPException(404)
        if len(asked) > MOST_COMPARED:
            raise UsageError(self.site.words(request).runs.most.format(count=MOST_COMPARED))
        return [self.states.look(*found[key]) for key in found if key in asked]

    async def show(self, request: Request) -> Response:
        """Show one run."""
        state = await asyncio.to_thread(self._state, request)
        tested = _asked_test(request, state.tests)
        found = await self.queue.run(self._found, state, tested, self.site.language(request))
        return self.site.page(
            request,
            "runs_one.html",
            **self._common(request, [state]),
            s=state,
            tested=tested,
            trouble=None if state.trouble is None else self.site.said(state.trouble),
            settings=_settings(state.run, self.site),
            now=_told(state, self.site.language(request)),
            place=f"{HOME}/{state.key}",
            **found,
        )

    def _common(self, request: Request, states: Sequence[RunState]) -> dict[str, Any]:
        lang = self.site.language(request)
        return {
            "home": HOME,
            "r": LANGUAGES[lang].WORDS,
            "captions": LANGUAGES[lang].CAPTIONS,
            "show": _shower(lang),
            "stamp": version_of(states),
            "asked": "&".join(f"run={state.key}" for state in states),
        }

    def _found(self, state: RunState, tested: Tested | None, lang: str) -> dict[str, Any]:
        """Say what one run is worth on one test, and why it says what it says; a test that cannot be read is said."""
        found: dict[str, Any] = {"text": None, "wrong": None, "matrix": None, "often": (), "names": ()}
        found["why"] = [] if state.run is None else [_explained(state.run, one, lang) for one in _kept(state.run)]
        if tested is None or state.run is None:
            return found
        if tested.trouble is not None:
            return found | {"wrong": self.site.said(tested.trouble)}
        try:
            comparison = self.results.comparison([state], tested.name)
        except KamertonError as error:
            return found | {"wrong": self.site.said(error)}
        predictions = comparison.networks[0].predictions[0]
        return found | {
            "text": self._texts(Teller.of(comparison, lang)),
            "matrix": _matrix(predictions, comparison),
            "often": confusions(predictions.confusion),
            "names": comparison.class_names,
        }

    def _texts(self, teller: Teller) -> dict[str, Any]:
        texts = teller.texts()
        for row in texts["data"]:
            row["path"] = self.site.place(row["path"])
        return texts

    async def compare(self, request: Request) -> Response:
        """Lay the chosen runs side by side."""
        states = await asyncio.to_thread(self._chosen, request)
        tests = _shared_tests(states)
        name = _asked_name(request, tests)
        lang, texts, wrong, figures = self.site.language(request), None, None, []
        if states:
            try:
                comparison = await self.queue.run(self.results.comparison, states, name)
                texts = self._texts(Teller.of(comparison, lang))
                name, figures = comparison.name, [figure for figure in FIGURES if _is_drawn(figure, comparison)]
            except KamertonError as error:
                wrong = self.site.said(error)
        return self.site.page(
            request,
            "runs_compare.html",
            **self._common(request, states),
            states=states,
            tests=[(one, short_key(one)) for one in tests],
            test=name,
            test_key=None if name is None else short_key(name),
            text=texts,
            wrong=wrong,
            figures=[(one + ending_of(one), LANGUAGES[lang].CAPTIONS[one], _kind(one)) for one in figures],
        )

    async def report(self, request: Request) -> Response:
        """Give the page of `kamerton report`, under a policy of its own: it has its style in itself, and no script."""
        states = await asyncio.to_thread(self._chosen, request)
        if not states:
            return await self.compare(request)
        name = _asked_name(request, _shared_tests(states))
        lang = self.site.language(request)

        def work() -> bytes:
            page = report_page(self.results.comparison(states, name), lang)
            for path in _cube_paths(states):
                page = page.replace(f"<code>{escape(path)}</code>", f"<code>{escape(self.site.place(path))}</code>")
            return self.site.without_places(page).encode("utf-8", "backslashreplace")

        headers = {"Content-Security-Policy": REPORT_POLICY}
        if "save" in request.query_params:
            headers["Content-Disposition"] = f'attachment; filename="report-{lang}.html"'
        return HTMLResponse(await self.queue.run(work), headers=headers)

    async def figure(self, request: Request) -> Response:
        """Draw a figure of one run or several."""
        name, _, ending = request.path_params["name"].rpartition(".")
        if name not in FIGURES or f".{ending}" != ending_of(name):
            raise HTTPException(404)
        states = await asyncio.to_thread(self._chosen, request)
        if not states:
            raise HTTPException(404)
        test = _asked_name(request, _shared_tests(states))
        return _figure(
            await self.queue.run(self.results.figure, states, test, name, self.site.language(request)), f".{ending}"
        )

    async def curves(self, request: Request) -> Response:
        """Draw the learning curves of a run as far as it is."""
        state = await asyncio.to_thread(self._state, request)
        return _figure(await self.queue.run(self.results.curves, state, self.site.language(request)), ".svg")

    async def live(self, request: Request) -> Response:
        """Follow a training: an event when it begins, with each epoch, and at its end."""
        name, path = await asyncio.to_thread(self._named, request.path_params["key"])
        lang = self.site.language(request)

        def tell(state: RunState, version: str) -> dict[str, Any]:
            address = f"{HOME}/{state.key}/curves.svg?lang={lang}&v={version}"
            return _told(state, lang) | {"picture": address if state.history is not None else None}

        return self.live_runs.stream(name, path, tell)

    async def galaxies(self, request: Request) -> Response:
        """Show the galaxies of a cell of the confusion matrix, or all mistakes."""
        state = await asyncio.to_thread(self._state, request)
        tested = _asked_test(request, state.tests)
        if state.run is None or tested is None or tested.metrics is None:
            raise HTTPException(404)
        run, metrics = state.run, tested.metrics
        true, said = (_class(request, which, len(metrics.per_class)) for which in ("true", "said"))

        def work() -> tuple[RunPredictions, Any, bool]:
            one = self.results.comparison([state], tested.name).networks[0].predictions[0]
            return one, rows_of(one, true, said), self.cubes.find(run, metrics) is not None

        predictions, rows, is_there = await self.queue.run(work)
        step, page = self.site.caps.page_galaxies, _page_number(request)
        shown = rows[page * step : (page + 1) * step]
        address = f"{HOME}/{state.key}/galaxies?test={tested.key}"
        address += "".join(f"&{which}={n}" for which, n in (("true", true), ("said", said)) if n is not None)
        return self.site.page(
            request,
            "runs_galaxies.html",
            **self._common(request, [state]),
            s=state,
            tested=tested,
            label=true,
            said=said,
            names=run.record.class_names,
            count=len(rows),
            galaxies=[_galaxy(predictions, int(row)) for row in shown],
            is_there=is_there,
            cube=self.site.place(metrics.path),
            number=page,
            pages=-(-len(rows) // step),
            address=address,
            place=f"{HOME}/{state.key}",
        )

    async def picture(self, request: Request) -> Response:
        """Give the pixels of a galaxy of a test."""
        state = await asyncio.to_thread(self._state, request)
        tested = _asked_test(request, state.tests)
        if state.run is None or tested is None or tested.metrics is None:
            raise HTTPException(404)
        image_hwc = await self.queue.run(self.cubes.image, state.run, tested.metrics, request.path_params["row"])
        if image_hwc is None:
            raise HTTPException(404)
        content = await asyncio.to_thread(picture_png, image_hwc)
        return Response(content, media_type="image/png", headers={"Cache-Control": STILL})

    async def gallery(self, request: Request) -> Response:
        """Give a picture that `kamerton explain` keeps in the run; no file is named by a client."""
        state = await asyncio.to_thread(self._state, request)
        number, place = request.path_params["number"], request.path_params["place"]

        def work() -> bytes | None:
            kept = [] if state.run is None else _kept(state.run)
            paths = list(kept[number].galleries.values()) if number < len(kept) else []
            return smaller_jpeg(paths[place]) if place < len(paths) else None

        try:
            content = await self.queue.run(work)
        except PictureError as error:
            raise HTTPException(404) from error
        if content is None:
            raise HTTPException(404)
        return Response(content, media_type="image/jpeg", headers={"Cache-Control": STILL})


def _kept(run: Run) -> list[Kept]:
    """List the explanations in a run; one that cannot be read is left out, as of a report."""
    with heard():
        return list(kept_explanations(run))


def _explained(run: Run, kept: Kept, lang: str) -> dict[str, Any]:
    language = LANGUAGES[lang]
    captions = [language.WORDS["gallery"].format(run=run.name, name=name) for name in kept.galleries]
    return explained(run, kept, language) | {"pictures": captions}


def _figure(content: bytes | None, ending: str) -> Response:
    if content is None:
        raise HTTPException(404)
    headers = {"Cache-Control": STILL, "Content-Security-Policy": FIGURE_POLICY}
    return Response(content, media_type=MIME[ending], headers=headers)


def _asked_test(request: Request, tests: Sequence[Tested]) -> Tested | None:
    """Find the results that an address asks for by their short name, or the first."""
    key = request.query_params.get("test")
    if key is None:
        return next(iter(tests), None)
    for tested in tests:
        if tested.key == key:
            return tested
    raise HTTPException(404)


def _shared_tests(states: Sequence[RunState]) -> list[str]:
    """List the tests that all runs share which can be compared, in the order of the first of them."""
    lists = [[tested.name for tested in state.tests] for state in states if state.is_comparable]
    return [name for name in lists[0] if all(name in names for names in lists)] if lists else []


def _asked_name(request: Request, tests: Sequence[str]) -> str | None:
    """Give the name of the test that is asked for, or the first; None where the runs share none."""
    key = request.query_params.get("test")
    if key is None:
        return next(iter(tests), None)
    for name in tests:
        if short_key(name) == key:
            return name
    raise HTTPException(404)


def _is_drawn(figure: str, comparison: Comparison) -> bool:
    """Whether there is anything for a figure, as far as can be told without drawing it."""
    runs = [one.run for network in comparison.networks for one in network.predictions]
    return figure != "learning_curves" or any(run.has_history for run in runs)


def _kind(figure: str) -> str:
    """Say whether a figure is lines, which are light on dark at night, and whether it is too broad for a phone."""
    lines = "photographs" if FIGURES[figure].photographs or figure == "confusion" else "lines"
    return lines if figure in {"cost", "recall"} else f"{lines} broad"


def _class(request: Request, which: str, classes: int) -> int | None:
    """Read the number of a class from the address; HTTPException 404 for anything else."""
    text = request.query_params.get(which)
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 6 or int(text) >= classes:
        raise HTTPException(404)
    return int(text)


def _page_number(request: Request) -> int:
    text = request.query_params.get("page", "0")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else 0


@dataclass(frozen=True)
class Cell:
    """A number of a confusion matrix."""

    count: int
    share: float
    colour: int
    """Step of the colours."""
    is_light: bool


def _matrix(tested: RunPredictions, comparison: Comparison) -> list[tuple[int, list[Cell]]] | None:
    """Give the rows of a confusion matrix with their totals; None for so many classes that a figure shows it."""
    if len(comparison.class_names) > MANY_CLASSES:
        return None
    counts = tested.confusion
    totals = counts.sum(1)
    shares = counts / np.maximum(totals, 1)[:, np.newaxis]
    return [
        (
            int(total),
            [
                Cell(int(count), float(share), round(COLOURS * float(share)), bool(share > LIGHT_SHARE))
                for count, share in zip(row, part, strict=True)
            ],
        )
        for total, row, part in zip(totals, counts, shares, strict=True)
    ]


def _galaxy(tested: RunPredictions, row: int) -> dict[str, Any]:
    said = int(tested.probabilities[row].argmax())
    return {
        "row": row,
        "id": tested.ids[row],
        "name": short_name(tested.ids[row]),
        "true": int(tested.labels[row]),
        "said": said,
        "sure": float(tested.probabilities[row, said]),
    }


def _cube_paths(states: Sequence[RunState]) -> set[str]:
    """Name where the cubes were that runs saw, and that they were tested on."""
    records = [one for state in states if state.run is not None for one in state.run.record.trained]
    tested = {test.metrics.path for state in states for test in state.tests if test.metrics is not None}
    return tested | {cube.path for record in records for cube in record.data.values()}


def _settings(run: Run | None, site: Site) -> list[tuple[str, str]]:
    """List everything that the record of a run says, but for what the page says already."""
    if run is None:
        return []
    record = dataclasses.asdict(run.record)
    for name in ("class_names", "data", "members"):
        del record[name]
    members = {member.name: member.fingerprint for member in run.record.members}
    return [
        (name, site.place(str(value)) if name.endswith(".path") and value is not None else _plain(value))
        for name, value in flattened(record | ({"members": members} if members else {}))
        # How the folders of this machine lie to each other is for who sits at it.
        if site.settings.is_local or not name.endswith(".beside")
    ]


def _plain(value: Any) -> str:
    return "–" if value is None or value == () else str(value)


def _told(state: RunState, lang: str) -> dict[str, Any]:
    """Say how far a training is, in sentences and numbers of a language."""
    own, show = WORDS[lang].runs, _shower(lang)
    done, of = state.epochs_done, state.epochs or 0
    said = getattr(own, f"now_{state.state}").format(done=done, of=of)
    left = state.seconds_left if state.state == "training" and done else None
    numbers = {} if state.history is None else dict(state.history.iloc[-1])
    return {
        "state": state.state,
        "label": getattr(own, state.state),
        "said": said,
        "left": "" if left is None else own.left.format(time=_duration(left)),
        "done": done,
        "of": of,
        "numbers": {
            name: show(numbers.get(name), ".4f" if name in NOTEBOOK_COLUMNS else ".2g")
            for name in (*NOTEBOOK_COLUMNS, PENALTY if PENALTY in numbers else RATE)
        },
    }


def _duration(seconds: float) -> str:
    """Write a length of time as h:mm:ss."""
    return str(timedelta(seconds=round(min(seconds, 10**8))))


def _shower(lang: str) -> Callable[[float | None, str], str]:
    """Give what writes numbers as a language does, and a dash for those that are not known."""

    def show(value: float | None, form: str = ".3f") -> str:
        return "–" if value is None or not np.isfinite(value) else written(value, form, LANGUAGES[lang])

    return show


PART = Part("runs", HOME, routes)
