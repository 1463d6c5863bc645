"""The part that shows runs: all of them, one of them, several side by side, and one that is training now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import escape
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from kamerton.errors import KamertonError, PictureError, UsageError
from kamerton.evaluation.comparison import Comparison
from kamerton.evaluation.comparison_figures import FIGURES
from kamerton.evaluation.results import RunPredictions
from kamerton.reporting.embedding import MIME, smaller_jpeg
from kamerton.reporting.languages import LANGUAGES
from kamerton.reporting.report import report_page
from kamerton.reporting.telling import Teller
from kamerton.serving.images import picture_png
from kamerton.serving.queue import Queue
from kamerton.serving.run_galaxies import Cubes, confusions, rows_of
from kamerton.serving.run_live import Live
from kamerton.serving.run_results import Results, ending_of, version_of
from kamerton.serving.run_states import RunState, RunStates, Tested, short_key
from kamerton.serving.run_told import explanation, galaxy_told, kept_in, matrix_rows, settings_told, shower, state_told
from kamerton.serving.runs_address import asked_class, asked_name, asked_test, page_number, shared_tests
from kamerton.serving.site import Part, Site

HOME = "/runs"

MOST_COMPARED = 24
"""Runs that are laid side by side on a page; `kamerton compare` takes any number."""


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
        tested = asked_test(request, state.tests)
        found = await self.queue.run(self._found, state, tested, self.site.language(request))
        return self.site.page(
            request,
            "runs_one.html",
            **self._common(request, [state]),
            s=state,
            tested=tested,
            trouble=None if state.trouble is None else self.site.said(state.trouble),
            settings=settings_told(state.run, self.site),
            now=state_told(state, self.site.language(request)),
            place=f"{HOME}/{state.key}",
            **found,
        )

    def _common(self, request: Request, states: Sequence[RunState]) -> dict[str, Any]:
        lang = self.site.language(request)
        return {
            "home": HOME,
            "r": LANGUAGES[lang].WORDS,
            "captions": LANGUAGES[lang].CAPTIONS,
            "show": shower(lang),
            "stamp": version_of(states),
            "asked": "&".join(f"run={state.key}" for state in states),
        }

    def _found(self, state: RunState, tested: Tested | None, lang: str) -> dict[str, Any]:
        """Say what one run is worth on one test, and why it says what it says; a test that cannot be read is said."""
        found: dict[str, Any] = {"text": None, "wrong": None, "matrix": None, "often": (), "names": ()}
        found["why"] = [] if state.run is None else [explanation(state.run, one, lang) for one in kept_in(state.run)]
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
            "matrix": matrix_rows(predictions, comparison),
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
        tests = shared_tests(states)
        name = asked_name(request, tests)
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
        name = asked_name(request, shared_tests(states))
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
        test = asked_name(request, shared_tests(states))
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
            return state_told(state, lang) | {"picture": address if state.history is not None else None}

        return self.live_runs.stream(name, path, tell)

    async def galaxies(self, request: Request) -> Response:
        """Show the galaxies of a cell of the confusion matrix, or all mistakes."""
        state = await asyncio.to_thread(self._state, request)
        tested = asked_test(request, state.tests)
        if state.run is None or tested is None or tested.metrics is None:
            raise HTTPException(404)
        run, metrics = state.run, tested.metrics
        true, said = (asked_class(request, which, len(metrics.per_class)) for which in ("true", "said"))

        def work() -> tuple[RunPredictions, Any, bool]:
            one = self.results.comparison([state], tested.name).networks[0].predictions[0]
            return one, rows_of(one, true, said), self.cubes.find(run, metrics) is not None

        predictions, rows, is_there = await self.queue.run(work)
        step, page = self.site.caps.page_galaxies, page_number(request)
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
            galaxies=[galaxy_told(predictions, int(row)) for row in shown],
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
        tested = asked_test(request, state.tests)
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
            kept = [] if state.run is None else kept_in(state.run)
            paths = list(kept[number].galleries.values()) if number < len(kept) else []
            return smaller_jpeg(paths[place]) if place < len(paths) else None

        try:
            content = await self.queue.run(work)
        except PictureError as error:
            raise HTTPException(404) from error
        if content is None:
            raise HTTPException(404)
        return Response(content, media_type="image/jpeg", headers={"Cache-Control": STILL})


def _figure(content: bytes | None, ending: str) -> Response:
    if content is None:
        raise HTTPException(404)
    headers = {"Cache-Control": STILL, "Content-Security-Policy": FIGURE_POLICY}
    return Response(content, media_type=MIME[ending], headers=headers)


def _is_drawn(figure: str, comparison: Comparison) -> bool:
    """Whether there is anything for a figure, as far as can be told without drawing it."""
    runs = [one.run for network in comparison.networks for one in network.predictions]
    return figure != "learning_curves" or any(run.has_history for run in runs)


def _kind(figure: str) -> str:
    """Say whether a figure is lines, which are light on dark at night, and whether it is too broad for a phone."""
    lines = "photographs" if FIGURES[figure].photographs or figure == "confusion" else "lines"
    return lines if figure in {"cost", "recall"} else f"{lines} broad"


def _cube_paths(states: Sequence[RunState]) -> set[str]:
    """Name where the cubes were that runs saw, and that they were tested on."""
    records = [one for state in states if state.run is not None for one in state.run.record.trained]
    tested = {test.metrics.path for state in states for test in state.tests if test.metrics is not None}
    return tested | {cube.path for record in records for cube in record.data.values()}


PART = Part("runs", HOME, routes)
