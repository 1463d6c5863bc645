"""What all parts of the page share: the runs, the words, the templates, and the one queue before the network."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute

from kamerton.config.serving import LANGUAGES, Caps, ServeSettings
from kamerton.data.fits.letters import printable
from kamerton.errors import KamertonError, take_heard
from kamerton.runs.ensembles import is_ensemble
from kamerton.runs.folder import RECORD_FILE, is_run
from kamerton.serving.queue import Queue
from kamerton.serving.words import WORDS
from kamerton.serving.words.warned import warned
from kamerton.version import __version__

FOLDERS = re.compile(r"(?<![\w:/.~+-])~?/(?:[^\s/'\"]+/)+")
"""Those of a place in a line: all but its last part."""

LANGUAGE_COOKIE, THEME_COOKIE = "kamerton-lang", "kamerton-theme"
THEMES = ("light", "dark")
DEPTH = 3
"""So many folders below the one named may a run lie, as in ``sweeps/NAME/RUN``."""

YEAR_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class Part:
    """A part of the page: a module, with its words and templates of the same name."""

    name: str
    """Also the name of its words, of which ``nav`` stands in the navigation."""
    home: str
    """The path where it begins."""
    routes: Callable[[Site], list[BaseRoute]]


class Site:
    """What a part of the page may use; there is one for a server."""

    def __init__(self, runs: Path, settings: ServeSettings, caps: Caps, parts: tuple[Part, ...]) -> None:
        self.root = runs.absolute()
        self.settings, self.caps, self.parts = settings, caps, parts
        self.queue = Queue(self.caps.waiting, self.caps.retry_seconds)
        self.is_ending = False
        """Whether the server is asked to end; what streams for long then stops."""

    def run_folders(self) -> dict[str, Path]:
        """Find the run folders by name, as they are now: the folder itself, or those up to three folders below it.

        A name is a path below the folder, with slashes; a client names a run so and only so.
        """
        if is_run(self.root):
            return {printable(self.root.name): self.root}
        places = ("*/" * depth for depth in range(1, DEPTH + 1))
        found = sorted(record.parent for place in places for record in self.root.glob(f"{place}{RECORD_FILE}"))
        return {printable(path.relative_to(self.root).as_posix()): path for path in found}

    def network_folders(self) -> dict[str, Path]:
        """Find those with a network of their own, which can be asked about a picture."""
        return {name: path for name, path in self.run_folders().items() if not is_ensemble(path)}

    def language(self, request: Request) -> str:
        """Choose the language: as the address asks, as before, as the browser asks."""
        asked = [request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)]
        header = request.headers.get("accept-language", "")[:200]
        asked += [word.split(";")[0].split("-")[0].strip().lower() for word in header.split(",")]
        return next((word for word in asked if word in LANGUAGES), LANGUAGES[0])

    def words(self, request: Request) -> SimpleNamespace:
        """Give all words in the language of a request: ``words.PART.KEY``."""
        return WORDS[self.language(request)]

    def page(self, request: Request, name: str, status_code: int = 200, **context: Any) -> Response:
        """Render a template; it also knows w (the words), lang, theme, parts, path, version.

        Above it stands what was warned of since the request began, and ``warnings`` where they are given.
        """
        lang, theme = self.language(request), request.cookies.get(THEME_COOKIE)
        lines = dict.fromkeys((*context.pop("warnings", ()), *take_heard()))
        content = self.environment.get_template(name).render(
            w=WORDS[lang],
            lang=lang,
            languages={one: _in_language(request, one) for one in LANGUAGES},
            theme=theme if theme in THEMES else None,
            parts=self.parts,
            path=request.url.path,
            version=__version__,
            is_local=self.settings.is_local,
            warned=[warned(self.said(line), lang) for line in lines],
            **context,
        )
        # Names in a run's files may hold halves of letters, which no UTF-8 has.
        response = HTMLResponse(content.encode("utf-8", "backslashreplace"), status_code)
        if request.query_params.get("lang") == lang:
            response.set_cookie(LANGUAGE_COOKIE, lang, max_age=YEAR_SECONDS, samesite="strict")
        return response

    def said(self, line: KamertonError | str) -> str:
        """Give a line, of an error or not, without the places of this machine; others see of any place its end."""
        text = self.without_places(str(line))
        return text if self.settings.is_local else FOLDERS.sub("", text)

    def without_places(self, text: str) -> str:
        """Give a text with the folders that are served, of the user, and worked in by their names."""
        for folder, name in ((self.root, self.root.name), (Path.home(), "~"), (Path.cwd(), ".")):
            if folder != folder.parent:
                text = text.replace(str(folder), name)
        return text

    def place(self, path: str) -> str:
        """Give a place of this machine as it may be shown: to others its name alone, unless it is served."""
        text = self.without_places(path)
        return text if self.settings.is_local or Path(path).is_relative_to(self.root) else Path(path).name

    @cached_property
    def environment(self) -> Environment:
        """Every text in a template is escaped, and a name that it does not know is an error."""
        environment = Environment(
            loader=PackageLoader("kamerton.serving"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["warned"] = warned
        environment.filters |= {"percent": _percent, "number": _number, "code": _code}
        return environment


def _in_language(request: Request, lang: str) -> str:
    """Give the address of the same page in a language."""
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return f"?{urlencode([*asked, ('lang', lang)])}"


def _code(text: str) -> Markup:
    """Show what stands between backticks as code; everything else is escaped."""
    return Markup(re.sub("`([^`]*)`", r"<code>\1</code>", str(escape(text))))


@pass_context
def _percent(context: Context, share: float, digits: int = 0) -> str:
    """Write a share as percent, with the decimal sign of the page's language."""
    return f"{_number(context, 100 * share, digits)}%"


@pass_context
def _number(context: Context, value: float, digits: int = 0) -> str:
    """Write a number with thousands apart, as the page's language does."""
    words = context["w"].frame
    whole, _, rest = f"{value:,.{digits}f}".partition(".")
    return whole.replace(",", words.thousands) + (words.decimal + rest if rest else "")
