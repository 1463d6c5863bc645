"""What runs are worth, as `kamerton compare` and `kamerton report` find and draw it, kept until the files change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kamerton.config.serving import Caps
from kamerton.evaluation.compare import compare
from kamerton.evaluation.comparison import Comparison
from kamerton.evaluation.comparison_figures import FIGURES
from kamerton.figures.comparing import learning_curves_figure
from kamerton.reporting.embedding import rendered
from kamerton.reporting.languages import LANGUAGES, in_language
from kamerton.reporting.telling import Teller
from kamerton.runs.stamp import stamp_of
from kamerton.serving.run_states import RunState, short_key

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_COMPARISONS = 8
"""That are kept; each holds the predictions of its runs."""


class Results:
    """Comparisons and figures; used by one thread at a time."""

    def __init__(self, caps: Caps) -> None:
        self._most_bytes = caps.drawn_bytes
        self._compared: OrderedDict[tuple[object, ...], Comparison] = OrderedDict()
        self._drawn: OrderedDict[tuple[object, ...], bytes | None] = OrderedDict()

    def comparison(self, states: Sequence[RunState], test: str | None) -> Comparison:
        """Compare runs, or measure one; UsageError and RunError as `kamerton compare` raises them."""
        key = (version_of(states), test)
        if key not in self._compared:
            self._compared[key] = compare([state.run or state.path for state in states], dataset=test)
            while len(self._compared) > MOST_COMPARISONS:
                self._compared.popitem(last=False)
        self._compared.move_to_end(key)
        return self._compared[key]

    def figure(self, states: Sequence[RunState], test: str | None, name: str, lang: str) -> bytes | None:
        """Draw one of FIGURES, as SVG or, of photographs, PNG; None where the runs have nothing for it."""

        def draw() -> Figure | None:
            comparison = self.comparison(states, test)
            return FIGURES[name].draw(Teller.of(comparison, lang).comparison)

        return self._kept((version_of(states), test, name, lang), draw, lang, ending_of(name))

    def curves(self, state: RunState, lang: str) -> bytes | None:
        """Draw the learning curves of one run, which may be training still."""
        history = state.history
        if history is None:
            return None
        return self._kept(
            (version_of([state]), None, "curves", lang),
            lambda: learning_curves_figure({state.title: [history]}),
            lang,
            ".svg",
        )

    def _kept(self, key: tuple[object, ...], draw: Callable[[], Figure | None], lang: str, ending: str) -> bytes | None:
        if key not in self._drawn:
            figure = draw()
            self._drawn[key] = None if figure is None else rendered(in_language(figure, LANGUAGES[lang]), ending)
            while len(self._drawn) > 1 and sum(len(one or b"") for one in self._drawn.values()) > self._most_bytes:
                self._drawn.popitem(last=False)
        self._drawn.move_to_end(key)
        return self._drawn[key]


def ending_of(figure: str) -> str:
    """Name the format of a figure: lines, or pixels for photographs."""
    return ".png" if FIGURES[figure].photographs else ".svg"


def version_of(states: Sequence[RunState]) -> str:
    """Tell the files of runs as they are now in a few letters, which stand in the addresses of figures."""
    return short_key(repr([(state.name, stamp_of(state.path)) for state in states]))
