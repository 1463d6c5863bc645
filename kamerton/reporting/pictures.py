"""What the page shows besides: figures, and what `explain`, `labels`, `similar` and `next` found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from kamerton.errors import PictureError, warn
from kamerton.evaluation.comparison import Comparison
from kamerton.evaluation.comparison_figures import FIGURES, draw_figures
from kamerton.explaining.kept import Kept, kept_explanations
from kamerton.explaining.telling import find_language, verdicts
from kamerton.reporting.beside import AskedList, Beside, LabelsTold, LikeOne
from kamerton.reporting.embedding import embedded, embedded_file
from kamerton.reporting.languages import Speaker, in_language, written
from kamerton.runs.folder import Run


@dataclass(frozen=True)
class Pictures(Speaker):
    """Draws and gathers what is shown, with its words in one language."""

    comparison: Comparison
    beside: tuple[Beside, ...] = ()
    """What else is shown."""

    def content(self) -> dict[str, Any]:
        """Give all of it."""
        return {
            "pictures": self.pictures(),
            "explanations": list(self.explanations()),
            "beside": list(self.besides()),
        }

    def pictures(self) -> list[dict[str, str]]:
        """Draw the pictures, with their captions."""
        found = []
        for name, figure in draw_figures(self.comparison).items():
            in_language(figure, self.language)
            ending = ".png" if FIGURES[name].photographs else ".svg"
            found.append({"source": embedded(figure, ending), "caption": self.language.CAPTIONS.get(name, name)})
        return found

    def explanations(self) -> Iterator[dict[str, Any]]:
        """Give what `explain` keeps in the first run of each network: what its maps are worth, and the galleries."""
        for run in dict.fromkeys(result.predictions[0].run for result in self.comparison.networks):
            for kept in kept_explanations(run):
                yield explained(run, kept, self.language) | {"pictures": list(self.galleries(run, kept))}

    def galleries(self, run: Run, kept: Kept) -> Iterator[dict[str, str]]:
        """Give the galleries of an explanation, with their captions; what is no picture is left out aloud."""
        for name, path in kept.galleries.items():
            source = self.picture(path)
            if source is not None:
                yield {"source": source, "caption": self.words["gallery"].format(run=run.name, name=name)}

    def besides(self) -> Iterator[dict[str, Any]]:
        """Give what `labels`, `similar` and `next` found, each kind below one heading."""
        w = self.words
        for kind, heading in ((LabelsTold, "labels"), (LikeOne, "similar"), (AskedList, "next")):
            shown = [self.one_beside(one) for one in self.beside if isinstance(one.found, kind)]
            if shown:
                yield {"heading": w[heading], "shown": shown}

    def one_beside(self, beside: Beside) -> dict[str, Any]:
        """Give one of these: its words, its picture, or a table where it has none."""
        w, found = self.words, beside.found
        picture = None if beside.gallery is None else self.picture(beside.gallery)
        shown: dict[str, Any] = {
            "path": beside.path,
            "picture": picture,
            "titles": (),
            "rows": (),
            "numbers": (1, 4),
        }
        if isinstance(found, LabelsTold):
            return shown | {"lines": found.sentences(w["lang"])}
        if isinstance(found, LikeOne):
            known = self.number(found.known, ",d")
            line = w["similar_note"].format(query=found.query, known=known, where=Path(found.where).name)
            shown["numbers"] = (1, 4, 5)
            last, rows = w["distance"], [(*row[:3], self.number(row[3]), self.number(row[4])) for row in found.rows]
        else:
            line = w["next_note"].format(count=self.number(found.count, ",d"), shown=len(found.rows))
            last, rows = w["likely_classes"], [(*row[:3], self.number(row[3]), row[4]) for row in found.rows]
        titles = (w["rank"], w["galaxy"], w["class"], w["probability"], last)
        return shown | {"lines": [line]} | ({"titles": titles, "rows": rows} if picture is None else {})

    def picture(self, path: Path) -> str | None:
        """Embed a picture; what is none is left out aloud."""
        try:
            return embedded_file(path)
        except PictureError as error:
            warn(error.what, received=error.received, next_step="nothing, if the report may go without")
            return None


def explained(run: Run, kept: Kept, language: ModuleType) -> dict[str, Any]:
    """Say what an explanation is of, and what it is worth."""
    words = language.WORDS
    return {
        "of": words["explained_layer" if kept.of.layer else "explained_pixels"].format(
            run=run.name,
            dataset=kept.path.name,
            method=kept.of.method,
            layer=kept.of.layer,
            galaxies=written(kept.of.explained, ",d", language),
        ),
        "words": " ".join(verdicts(kept.receipt, find_language(words["lang"]))),
        "path": kept.path,
    }
