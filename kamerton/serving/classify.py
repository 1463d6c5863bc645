"""The part that classifies pictures, cutouts and small cubes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from kamerton.catalogue.writers import WRITERS
from kamerton.data.pictures.picture import read_picture
from kamerton.errors import UsageError
from kamerton.serving.answering import Answer, Galaxy, answer, checked_schema, stretched
from kamerton.serving.answers import Answers
from kamerton.serving.choices import Choice, choices, first_ready
from kamerton.serving.errors import error_response
from kamerton.serving.images import map_png, picture_png
from kamerton.serving.networks import Networks
from kamerton.serving.queue import Queue
from kamerton.serving.samp import IMAGE, TABLE, send
from kamerton.serving.sentences import beware, described, likely, unlike
from kamerton.serving.site import Part, Site
from kamerton.serving.uploads import receive_files, without_folders

HOME = "/classify"

DOWNLOADS = {".vot": "VOTable", ".fits": "FITS", ".csv": "CSV", ".parquet": "Parquet"}
"""Endings of a table that is downloaded, with their names."""

SAMP_SECONDS = 10
"""A hub that does not answer is given up."""

STRETCH_RANGE = 32.0
"""So many times below and above the network's own stretch the slider goes."""


def routes(site: Site) -> list[BaseRoute]:
    """Give the part's addresses."""
    programs = Queue(site.caps.waiting, site.caps.retry_seconds)
    desk = Desk(site, Networks(site.caps), Answers(site.caps), programs)
    one = f"{HOME}/{{key}}/{{row:int}}"
    return [
        Route(HOME, desk.home, methods=["GET"]),
        Route(HOME, desk.classify, methods=["POST"]),
        Route(f"{HOME}/{{key}}", desk.show, methods=["GET"]),
        Route(f"{HOME}/{{key}}/table{{ending}}", desk.download, methods=["GET"]),
        Route(f"{HOME}/{{key}}/samp", desk.send_table, methods=["POST"]),
        Route(one, desk.show_one, methods=["GET"]),
        Route(f"{one}/picture.png", desk.picture, methods=["GET"]),
        Route(f"{one}/map.png", desk.map, methods=["GET"]),
        Route(f"{one}/similar", desk.similar, methods=["GET"]),
        Route(f"{one}/samp", desk.send_image, methods=["POST"]),
        Route(f"{HOME}/{{key}}/training/{{row:int}}.png", desk.training_picture, methods=["GET"]),
    ]


@dataclass(frozen=True)
class Desk:
    """What answers the part's addresses."""

    site: Site
    networks: Networks
    answers: Answers
    programs: Queue
    """Of what is sent to other programs, which may never answer: its thread keeps no server that is to end."""
    _making_ready: set[asyncio.Task[None]] = field(default_factory=set)

    async def home(self, request: Request) -> Response:
        """Ask for files; the network that will answer is made ready meanwhile."""
        found = await asyncio.to_thread(self._choices)
        asked = request.query_params.get("run") or first_ready(found)
        path = next((one.path for one in found if one.name == asked), None)
        if path is not None and not self.networks.has(path) and self.site.queue.is_idle:
            self._making_ready.add(task := asyncio.create_task(self._make_ready(path)))
            task.add_done_callback(self._making_ready.discard)
        return self._form(request, "classify.html", found)

    async def _make_ready(self, path: Path) -> None:
        # What is wrong with the run is said to whoever asks it, and a queue that is full needs nothing more.
        with suppress(Exception):
            await self.site.queue.run(self.networks.open, path)

    def _choices(self) -> list[Choice]:
        return choices(self.site.network_folders())

    def _form(self, request: Request, template: str, found: Sequence[Choice], **context: Any) -> Response:
        """Show a page with the form, whose menu lists the networks ``found``."""
        words = self.site.words(request).classify
        chosen = context.pop("chosen", "") or request.query_params.get("run") or first_ready(found)
        return self.site.page(
            request,
            template,
            runs=[(one.name, one.described(words)) for one in found],
            chosen=chosen,
            folder=self.site.root.name,
            home=HOME,
            **context,
        )

    async def classify(self, request: Request) -> Response:
        """Take files, and lead to the answer: a script by its address, a form by sending it there."""
        folder = self.answers.new_folder()
        kept = False
        try:
            given, fields = await receive_files(request, self.site.caps, folder)
            if not given:
                raise UsageError(self.site.words(request).classify.nothing)
            name = fields.get("run", "")
            path = self._run_path(request, name)
            found = await self.site.queue.run(
                lambda: answer(self.networks.open(path), name, given, folder, self.site.caps)
            )
            key, kept = self.answers.keep(found), True
        finally:
            if not kept:
                await asyncio.to_thread(_remove, folder)
        address = f"{HOME}/{key}"
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse({"address": address})
        return RedirectResponse(address, 303)

    def _run_path(self, request: Request, name: str) -> Path:
        """Find a run by the name that the page gave it; a client names nothing else."""
        runs = self.site.network_folders()
        if not name and len(runs) == 1:
            return next(iter(runs.values()))
        if name not in runs:
            raise UsageError(self.site.words(request).classify.unknown_run)
        return runs[name]

    def _answer(self, request: Request) -> Answer:
        found = self.answers.get(request.path_params["key"])
        if found is None:
            raise HTTPException(404)
        return found

    def _galaxy(self, request: Request) -> tuple[Answer, int, Galaxy]:
        found, row = self._answer(request), request.path_params["row"]
        if row >= len(found.galaxies):
            raise HTTPException(404)
        return found, row, found.galaxies[row]

    def show(self, request: Request) -> Response:
        """Show an answer: the one galaxy, or the table of several."""
        found = self.answers.get(request.path_params["key"])
        if found is None:
            text = self.site.words(request).classify.gone
            return error_response(self.site, request, 404, text)
        if len(found.galaxies) == 1:
            return self._show_galaxy(request, found, 0)
        words, known = self.site.words(request).classify, self._choices()
        return self._form(
            request,
            "classify_many.html",
            known,
            takers=_takers(known, found.galaxies),
            unanswered=sum(one.image_hwc is None for one in found.galaxies),
            chosen=found.run_name,
            answer=found,
            address=f"{HOME}/{request.path_params['key']}",
            downloads=DOWNLOADS,
            sets=[likely(found, one) for one in found.galaxies],
            notes=[beware(one, words, short=True) for one in found.galaxies],
        )

    def show_one(self, request: Request) -> Response:
        """Show one galaxy of several."""
        found, row, _ = self._galaxy(request)
        return self._show_galaxy(request, found, row)

    def _show_galaxy(self, request: Request, found: Answer, row: int) -> Response:
        galaxy, words, known = found.galaxies[row], self.site.words(request), self._choices()
        address = f"{HOME}/{request.path_params['key']}"
        return self._form(
            request,
            "classify_one.html",
            known,
            takers=_takers(known, [galaxy]),
            chosen=found.run_name,
            answer=found,
            galaxy=galaxy,
            address=address,
            place=f"{address}/{row}",
            sentences=described(found, galaxy, words),
            beware=beware(galaxy, words.classify),
            unlike=unlike(galaxy, words),
            order=sorted(range(len(found.class_names)), key=lambda number: -galaxy.probabilities[number]),
            slider=_slider(galaxy),
            downloads=DOWNLOADS,
        )

    async def picture(self, request: Request) -> Response:
        """Give a galaxy's pixels, those of a FITS cutout also by another stretch."""
        found, _, galaxy = self._galaxy(request)
        if galaxy.image_hwc is None:
            raise HTTPException(404)
        image_hwc, cutout = galaxy.image_hwc, galaxy.cutout
        q, stretch = (_positive(request, name) for name in ("q", "stretch"))
        if cutout is None or (q is None and stretch is None):
            return _png(await asyncio.to_thread(picture_png, image_hwc))
        settings = stretched(found.run, q, stretch)
        return _png(await self.site.queue.run(lambda: picture_png(read_picture(cutout, settings).image_hwc)))

    async def map(self, request: Request) -> Response:
        """Give the map of what speaks for a class, by default the most probable one."""
        found, row, galaxy = self._galaxy(request)
        image_hwc = galaxy.image_hwc
        text = request.query_params.get("class", str(galaxy.best))
        if image_hwc is None or not text.isdecimal() or not int(text[:6]) < len(found.class_names):
            raise HTTPException(404)
        number = int(text[:6])
        if (row, number) not in found.maps:
            path = found.run.path
            found.maps[row, number] = await self.site.queue.run(
                lambda: map_png(self.networks.open(path).map_of(image_hwc, number))
            )
        return _png(found.maps[row, number])

    async def similar(self, request: Request) -> Response:
        """Give the most similar training galaxies, or how far the network is with looking at them."""
        found, _, galaxy = self._galaxy(request)
        image_hwc, path, caps = galaxy.image_hwc, found.run.path, self.site.caps
        if image_hwc is None:
            raise HTTPException(404)

        def look() -> dict[str, Any]:
            network = self.networks.open(path)
            done, of = network.look(caps.looking_seconds)
            if done < of:
                return {"done": done, "of": of}
            near = network.similar(galaxy.id, image_hwc, caps.neighbours)
            return {"galaxies": [one.as_json() | {"id": without_folders(one.galaxy.id)} for one in near.neighbours]}

        return JSONResponse(await self.site.queue.run(look))

    async def training_picture(self, request: Request) -> Response:
        """Give the pixels of a training galaxy."""
        path, row = self._answer(request).run.path, request.path_params["row"]
        image_hwc = await self.site.queue.run(lambda: self.networks.open(path).training_image(row))
        if image_hwc is None:
            raise HTTPException(404)
        return _png(picture_png(image_hwc))

    async def download(self, request: Request) -> Response:
        """Give the table in a format of catalogues, by the catalogue's own writers."""
        found, ending = self._answer(request), request.path_params["ending"]
        if ending not in DOWNLOADS:
            raise HTTPException(404)
        path = await self.site.queue.run(_written, found, ending)
        return FileResponse(path, filename=f"galaxies{ending}")

    async def send_table(self, request: Request) -> Response:
        """Send the table to TOPCAT and the like."""
        found = self._answer(request)

        def work() -> list[str]:
            return send(TABLE, _written(found, ".vot"), found.header.description)

        return await self._sent(request, work)

    async def send_image(self, request: Request) -> Response:
        """Send a galaxy to DS9, Aladin and the like: a FITS cutout as it came, a picture as three planes."""
        found, row, galaxy = self._galaxy(request)
        if galaxy.image_hwc is None:
            raise HTTPException(404)
        return await self._sent(request, lambda: send(IMAGE, _image_file(found, row), galaxy.id))

    async def _sent(self, request: Request, work: Callable[[], list[str]]) -> Response:
        words = self.site.words(request).classify
        if not self.site.settings.is_local:
            return error_response(self.site, request, 403, words.not_local)
        try:
            async with asyncio.timeout(SAMP_SECONDS):
                names = await self.programs.run(work)
        except TimeoutError as error:
            raise UsageError("The SAMP hub does not answer", next_step="start it anew, and try again") from error
        text = words.sent.format(names=", ".join(names))
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse({"text": text})
        return self.site.page(request, "said.html", text=text, back=f"{HOME}/{request.path_params['key']}")


def _takers(known: Sequence[Choice], galaxies: Iterable[Galaxy]) -> list[str]:
    """Name the networks that take all galaxies which one refused for their pixels."""
    refused = [one.refused for one in galaxies if one.refused is not None]
    return [one.name for one in known if refused and all(map(one.takes, refused))]


def _png(content: bytes) -> Response:
    return Response(content, media_type="image/png", headers={"Cache-Control": "private, max-age=600"})


def _positive(request: Request, name: str) -> float | None:
    """Read a number above 0 from the address; HTTPException 400 for anything else."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        value = float(text[:40])
    except ValueError as error:
        raise HTTPException(400) from error
    if not 1e-12 < value < 1e12:
        raise HTTPException(400)
    return value


def _slider(galaxy: Galaxy) -> dict[str, float] | None:
    """Give where the sliders of a cutout's stretch begin; None for a picture."""
    if galaxy.stretch is None:
        return None
    return {"q": galaxy.stretch.q, "stretch": galaxy.stretch.stretch, "reach": math.log10(STRETCH_RANGE)}


def _written(found: Answer, ending: str) -> Path:
    """Write the table beside the answer's files, once."""
    path = found.folder / f"galaxies{ending}"
    if not path.exists():
        rows = checked_schema(found)
        with WRITERS[ending](path, found.header, len(rows)) as writer:
            writer.append(rows)
    return path


def _image_file(found: Answer, row: int) -> Path:
    """Give a galaxy as a FITS file: its own, or its pixels, the bottom row first."""
    galaxy = found.galaxies[row]
    path = found.folder / f"galaxy-{row}.fits"
    if not path.exists():
        import numpy as np
        from astropy.io import fits

        if galaxy.cutout is not None:
            path.write_bytes(galaxy.cutout.read_bytes())
        else:
            assert galaxy.image_hwc is not None, "who asks has looked"
            fits.PrimaryHDU(np.ascontiguousarray(galaxy.image_hwc[::-1].transpose(2, 0, 1))).writeto(path)
    return path


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


PART = Part("classify", HOME, routes)
