"""The part that looks through catalogues: a wall of galaxies, one of them large, and decisions about their classes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from kamerton.browsing.catalogue import Browsed
from kamerton.browsing.galaxies import ListedGalaxy
from kamerton.browsing.library import Library
from kamerton.browsing.orders import MARGIN, NEXT, PROBABILITY, SET_SIZE, orders
from kamerton.catalogue.columns import ID, POSITION, PREDICTED_CLASS, STATUS
from kamerton.config.browsing import NO_CLASS, PAGE_GALAXIES
from kamerton.config.neighbours import NextSettings
from kamerton.data.classes import NAMES_SHOWN
from kamerton.data.decided import UNSURE
from kamerton.data.fits.letters import printable
from kamerton.errors import DataError, KamertonError, OutputError, warn
from kamerton.labelling.agreement import agreements
from kamerton.labelling.journal import require_name
from kamerton.neighbours.pictures import OutsideError
from kamerton.serving.browse_address import View, view_of
from kamerton.serving.browse_pictures import SIDES, Shown
from kamerton.serving.errors import error_response
from kamerton.serving.site import Part, Site
from kamerton.serving.uploads import receive_form

HOME = "/browse"

KEYS = "1234567890"
"""Of the first ten classes."""

QUEUE_GALAXIES = 16
"""Galaxies that a labelling page is given at once."""

LONGEST_LOOK_SECONDS = 24 * 3600

ORDER_WORDS = {
    PROBABILITY: "probability",
    MARGIN: "margin",
    NEXT: "next",
    ID.name: "by_id",
    PREDICTED_CLASS.name: "class",
    SET_SIZE: "set_size",
    POSITION[0].name: "ra",
    POSITION[1].name: "dec",
    STATUS.name: "by_status",
    "ood_energy": "by_energy",
    "ood_knn": "by_knn",
}
"""The words for what a catalogue is sorted by; columns of its own source have no others than their names."""


def routes(site: Site) -> list[BaseRoute]:
    """Give the part's addresses."""
    # A catalogue may name any image on the disk. Who sits at this machine may see it, and nobody else.
    within = None if site.settings.is_local else site.root
    desk = Desk(site, Library(site.root, within), Shown())
    return [
        Route(HOME, desk.home, methods=["GET"]),
        Route(f"{HOME}/wall", desk.wall, methods=["GET"]),
        Route(f"{HOME}/label", desk.label, methods=["GET"]),
        Route(f"{HOME}/queue", desk.queue, methods=["GET"]),
        Route(f"{HOME}/picture", desk.picture, methods=["GET"]),
        Route(f"{HOME}/agreement", desk.agreement, methods=["GET"]),
        Route(f"{HOME}/decisions.csv", desk.decisions, methods=["GET"]),
        Route(f"{HOME}/decide", desk.decide, methods=["POST"]),
        Route(f"{HOME}/undo", desk.undo, methods=["POST"]),
        Route(f"{HOME}/anew", desk.anew, methods=["POST"]),
    ]


@dataclass(frozen=True)
class _Gone:
    """Why a catalogue's pictures cannot be shown."""

    said: str
    are_outside: bool
    """They are there, outside the folder that others may see."""


@dataclass(frozen=True)
class Desk:
    """What answers the part's addresses."""

    site: Site
    library: Library
    shown: Shown

    def home(self, request: Request) -> Response:
        """List the catalogues; where there is one, go there."""
        names = self.library.names()
        if len(names) == 1:
            return RedirectResponse(View(names[0]).address(f"{HOME}/wall"), 303)
        return self.site.page(
            request,
            "browse.html",
            catalogues=[(name, View(name).address(f"{HOME}/wall")) for name in names],
            folder=self.site.root.name,
        )

    def _opened(self, request: Request) -> tuple[View, Browsed, str]:
        view = view_of(request.query_params)
        require_name(view.who)
        browsed, stamp = self.library.get(view.name)
        return view, browsed, stamp

    def wall(self, request: Request) -> Response:
        """Show a page of the wanted galaxies."""
        view, browsed, stamp = self._opened(request)
        total = browsed.count(view.wanted)
        pages = max(1, math.ceil(total / PAGE_GALAXIES))
        page = min(view.page, pages)
        start = (page - 1) * PAGE_GALAXIES
        galaxies = browsed.galaxies(view.wanted, start, PAGE_GALAXIES)
        # Whoever labels blindly sees nobody else's word either.
        standing = browsed.standing(view.who if view.who or view.blind else None)
        around = view.with_(page=page)
        return self.site.page(
            request,
            "browse_wall.html",
            **self._common(around, browsed, stamp),
            warnings=browsed.warnings(view.wanted),
            galaxies=[(start + number, one) for number, one in enumerate(galaxies)],
            total=total,
            all_galaxies=len(browsed.opened),
            pages=pages,
            page=page,
            said={name: one.label for name, one in standing.items()},
        )

    def _common(self, view: View, browsed: Browsed, stamp: str) -> dict[str, Any]:
        return {
            "home": HOME,
            "view": view,
            "stamp": stamp,
            "gone": self._gone(browsed),
            "classes": browsed.class_names,
            "orders": orders(browsed.opened),
            "is_calibrated": browsed.is_calibrated,
            "no_class": NO_CLASS,
            "unsure": UNSURE,
            "has_unsure": UNSURE not in browsed.class_names,
            "usual_count": NextSettings.count,
            "order_words": ORDER_WORDS,
            "shares": {f"p_{slug}": name for slug, name in browsed.opened.class_names.items()},
            "journal": browsed.journal.path.name,
            "keys": dict(zip(browsed.class_names, KEYS, strict=False)),
            "sides": SIDES,
        }

    def _gone(self, browsed: Browsed) -> _Gone | None:
        """Say why there are no pictures; None where there are."""
        try:
            _ = browsed.pictures
        except KamertonError as error:
            return _Gone(self.site.said(error), isinstance(error, OutsideError))
        return None

    def label(self, request: Request) -> Response:
        """Show one galaxy large, and ask for its class: the one of the address, or the first without a decision."""
        view, browsed, stamp = self._opened(request)
        total = browsed.count(view.wanted)
        mine = _labels(browsed, view.who)
        at = view.at
        if at is None:
            found = self._undecided(view, browsed, 0, 1, mine)
            at = found[0][0] if found else total
        galaxies = browsed.galaxies(view.wanted, at, 1)
        one = galaxies[0] if galaxies else None
        return self.site.page(
            request,
            "browse_label.html",
            **self._common(view.with_(at=at), browsed, stamp),
            warnings=browsed.warnings(view.wanted),
            at=at,
            one=one,
            total=total,
            mine=None if one is None else mine.get(one.id),
            decided=len(mine),
            item=None if one is None else self._item(view, browsed, stamp, at, one, mine.get(one.id)),
            page=at // PAGE_GALAXIES + 1,
        )

    def queue(self, request: Request) -> Response:
        """Give galaxies that are labelled next, from a place on: all, or with ``open`` those without one's decision."""
        view, browsed, stamp = self._opened(request)
        mine = _labels(browsed, view.who)
        at = view.at or 0
        if request.query_params.get("open") == "1":
            found = self._undecided(view, browsed, at, QUEUE_GALAXIES, mine)
        else:
            galaxies = browsed.galaxies(view.wanted, at, QUEUE_GALAXIES)
            found = [(at + number, one) for number, one in enumerate(galaxies)]
        items = [self._item(view, browsed, stamp, place, one, mine.get(one.id)) for place, one in found]
        return JSONResponse({"galaxies": items, "count": browsed.count(view.wanted)})

    def _undecided(
        self, view: View, browsed: Browsed, at: int, count: int, mine: Collection[str]
    ) -> list[tuple[int, ListedGalaxy]]:
        found: list[tuple[int, ListedGalaxy]] = []
        total = browsed.count(view.wanted)
        for start in range(at, total, PAGE_GALAXIES):
            galaxies = browsed.galaxies(view.wanted, start, PAGE_GALAXIES)
            found += [(start + number, one) for number, one in enumerate(galaxies) if one.id not in mine]
            if len(found) >= count:
                break
        return found[:count]

    def _item(
        self, view: View, browsed: Browsed, stamp: str, at: int | None, one: ListedGalaxy, mine: str | None
    ) -> dict[str, Any]:
        """Tell a script of a galaxy; what the network says is not told to who labels blindly."""
        known = {"ra": one.ra, "dec": one.dec} | {name: text for name, text in one.others.items() if text}
        item: dict[str, Any] = {
            "at": at,
            "row": one.row,
            "id": one.id,
            "picture": None if one.status or self._gone(browsed) else view.picture(HOME, one.row, "large", stamp),
            "mine": mine,
            "known": {name: value for name, value in known.items() if value is not None},
            "status": one.status,
        }
        if not view.blind:
            ranked = sorted(one.probabilities.items(), key=lambda pair: -pair[1])
            item["says"] = {
                "class": one.predicted_class,
                "probabilities": ranked,
                "likely": one.likely_classes,
                "unlike": one.is_unlike,
            }
        else:
            # What the catalogue took over from its source stays; scores of the network are no such thing.
            item["known"] = {name: value for name, value in item["known"].items() if not name.startswith("ood_")}
        return item

    def picture(self, request: Request) -> Response:
        """Draw a galaxy, small or large, as the network saw it."""
        view, browsed, stamp = self._opened(request)
        size = request.query_params.get("size", "")
        if size not in SIDES or view.row is None:
            raise HTTPException(404)
        one = browsed.galaxy(view.row)
        if one is None:
            raise HTTPException(404)
        try:
            content, kind = self.shown.drawn(browsed, one, size, stamp)
        except DataError as error:
            return error_response(self.site, request, 404, self.site.said(error))
        is_current = request.query_params.get("v") == stamp
        kept = "private, max-age=604800, immutable" if is_current else "no-store"
        return Response(content, media_type=kind, headers={"Cache-Control": kept})

    def agreement(self, request: Request) -> Response:
        """Show how far labellers agree, and what was decided."""
        view, browsed, stamp = self._opened(request)
        decisions = browsed.journal.decisions()
        standing = browsed.standing()
        others = {one.label for one in standing.values()} - {*browsed.class_names, UNSURE}
        if others:
            warn(
                f"{browsed.journal.path}: labels that are no classes of this catalogue",
                received=", ".join(sorted(others)[:NAMES_SHOWN]),
                allowed=", ".join(browsed.class_names),
                next_step="correct them in the file, or the galaxies stay without a label",
            )
        return self.site.page(
            request,
            "browse_agreement.html",
            **self._common(view, browsed, stamp),
            pairs=agreements(decisions, browsed.class_names),
            counts=Counter(one.label for one in standing.values()).most_common(),
            people=Counter(one.who for one in decisions).most_common(),
        )

    def decisions(self, request: Request) -> Response:
        """Send the file of decisions."""
        _, browsed, _ = self._opened(request)
        path = browsed.journal.path
        if not path.is_file():
            raise HTTPException(404)
        # A link of its name may lead to anything on the disk: what is sent are decisions, or DataError.
        browsed.journal.decisions()
        return FileResponse(path, media_type="text/csv; charset=utf-8", filename=printable(path.name))

    async def decide(self, request: Request) -> Response:
        """Keep a decision; the answer comes when it is on the disk."""
        form = await receive_form(request, self.site.caps)
        return await run_in_threadpool(self._decide, request, form)

    def _decide(self, request: Request, form: dict[str, str]) -> Response:
        view = view_of(form)
        try:
            browsed, _ = self.library.get(view.name)
            one = None if view.row is None else browsed.galaxy(view.row)
            if one is None or one.id != form.get("id"):
                return error_response(self.site, request, 409, self.site.words(request).browse.other_galaxy)
            made = browsed.decide(one, form.get("label", ""), view.who, _when(form), _seconds(form))
        except (OutputError, DataError) as error:
            # Not the fault of whoever asked: it waits in the browser, and is asked again when the file is mended.
            return error_response(self.site, request, 503, self.site.said(error))
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse({"when": made.when, "decided": len(browsed.standing(view.who))})
        return RedirectResponse(view.with_(at=None, row=None).address(f"{HOME}/label"), 303)

    async def undo(self, request: Request) -> Response:
        """Take back one's last decision."""
        form = await receive_form(request, self.site.caps)
        return await run_in_threadpool(self._undo, request, form)

    def _undo(self, request: Request, form: dict[str, str]) -> Response:
        view = view_of(form)
        browsed, stamp = self.library.get(view.name)
        try:
            undone = browsed.journal.undo(view.who)
        except OutputError as error:
            return error_response(self.site, request, 503, self.site.said(error))
        if "application/json" not in request.headers.get("accept", ""):
            return RedirectResponse(view.with_(at=None, row=None).address(f"{HOME}/label"), 303)
        answer: dict[str, Any] = {"label": None, "decided": len(browsed.standing(view.who))}
        if undone is not None:
            row = browsed.row_of(undone.id)
            one = None if row is None else browsed.galaxy(row)
            mine = _labels(browsed, view.who).get(undone.id)
            answer["label"] = undone.label
            answer["galaxy"] = None if one is None else self._item(view, browsed, stamp, None, one, mine)
        return JSONResponse(answer)

    async def anew(self, request: Request) -> Response:
        """Choose anew what to label next, now that more is decided."""
        form = await receive_form(request, self.site.caps)
        view = view_of(form)
        browsed, _ = await run_in_threadpool(self.library.get, view.name)
        browsed.forget(view.wanted)
        return RedirectResponse(view.with_(page=1, at=None, row=None).address(f"{HOME}/wall"), 303)


def _labels(browsed: Browsed, who: str) -> dict[str, str]:
    """Give what one person said, by the galaxies' ids."""
    return {name: one.label for name, one in browsed.standing(who).items()}


def _when(form: dict[str, str]) -> str:
    """Take the time of a decision that waited in a browser; nothing where it is none, and it is now then."""
    text = form.get("when", "")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return text if found.utcoffset() is not None and len(text) <= 32 and text.endswith("Z") else ""


def _seconds(form: dict[str, str]) -> float | None:
    try:
        found = float(form.get("seconds", ""))
    except ValueError:
        return None
    return found if 0 <= found <= LONGEST_LOOK_SECONDS else None


PART = Part("browse", HOME, routes)
