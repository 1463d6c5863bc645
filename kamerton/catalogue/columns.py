"""What the columns of a catalogue are, and what a catalogue says of itself, whatever file it is written to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from kamerton.catalogue.names import distinct, safe_names, words
from kamerton.config.answers import FeatureKind
from kamerton.data.fits.letters import printable

if TYPE_CHECKING:
    import pyarrow as pa

KindName = Literal["bool", "int16", "int32", "int64", "float32", "float64", "text"]

CarriedKind = Literal["int64", "float64", "text"]
"""What a column of a source can be."""


@dataclass(frozen=True)
class Kind:
    """One kind of values, in the words of each format."""

    arrow: str
    """The function of PyArrow that makes the type."""
    votable: str
    fits: str
    """The letter of TFORM (FITS standard 4.0, table 18)."""
    numpy: str
    """As FITS and BINARY2 store it."""


KINDS: dict[KindName, Kind] = {
    "bool": Kind("bool_", "boolean", "L", "u1"),
    "int16": Kind("int16", "short", "I", ">i2"),
    "int32": Kind("int32", "int", "J", ">i4"),
    "int64": Kind("int64", "long", "K", ">i8"),
    "float32": Kind("float32", "float", "E", ">f4"),
    "float64": Kind("float64", "double", "D", ">f8"),
    "text": Kind("string", "unicodeChar", "A", "S"),
}


@dataclass(frozen=True)
class Column:
    """One column: a name that needs no quoting anywhere, and what its numbers mean."""

    name: str
    kind: KindName
    description: str
    unit: str | None = None
    """In the letters of VOUnits 1.1."""
    ucd: str | None = None
    """Of UCD1+."""
    length: int | None = None
    """Numbers in each cell, of kind float32; None for one value."""


FACT_PREFIX = "kamerton."
"""Before a fact's name in a file, where columns and other programs have names of their own."""


@dataclass(frozen=True)
class Header:
    """What a catalogue says of itself."""

    description: str
    columns: tuple[Column, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    """How it was made: a name that needs no quoting, and a text."""

    def prefixed_facts(self) -> dict[str, str]:
        """Give the facts under the names that they have in a file."""
        return {f"{FACT_PREFIX}{name}": text for name, text in self.facts.items()}


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """Give the types that the rows of a catalogue have in memory."""
    import pyarrow as pa

    def kind(column: Column) -> pa.DataType:
        one = getattr(pa, KINDS[column.kind].arrow)()
        return one if column.length is None else pa.list_(one, column.length)

    return pa.schema([(column.name, kind(column)) for column in columns])


ID = Column("id", "text", "Identifier of the galaxy", ucd="meta.id;meta.main")
POSITION = (
    Column("ra", "float64", "Right ascension (ICRS)", "deg", "pos.eq.ra;meta.main"),
    Column("dec", "float64", "Declination (ICRS)", "deg", "pos.eq.dec;meta.main"),
)
PREDICTED_CLASS = Column("predicted_class", "text", "The most probable class", ucd="src.morph.type;meta.modelled")
FLAGS_COLUMN = "flags"

DOUBTFUL = 16
"""The flag that every catalogue may have; those of a calibrated run are smaller."""

FEATURES_COLUMN = "features"

STATUS = Column("status", "text", "Why this galaxy has no answer; empty where it has one", ucd="meta.note")


def catalogue_columns(
    carried: Mapping[str, CarriedKind],
    class_names: Sequence[str],
    *,
    positions: bool,
    flags: Mapping[int, str] | None = None,
    features: Features | None = None,
) -> tuple[Column, ...]:
    """Give the columns of a catalogue in their order: the galaxy, what its source knows of it, the answer, the status.

    ``carried`` are the source's own columns by name; theirs is changed where it needs quoting or is one of ours, and
    then stands in the description. ``flags`` are those of a calibrated run, which answers with sets and scores, too.
    """
    place = (ID, *POSITION) if positions else (ID,)
    answer = (*class_columns(class_names, flags), *feature_columns(features))
    # A column of the source never takes the name of one that the next catalogue has and this one has not.
    reserved = {column.name for column in (ID, *POSITION, *class_columns(class_names, {}), STATUS)} | {FEATURES_COLUMN}
    kept = zip(safe_names(carried, reserved), carried.items(), strict=True)
    source = (Column(name, kind, f"Column {printable(given)!r} of the source") for name, (given, kind) in kept)
    return (*place, *source, *answer, STATUS)


@dataclass(frozen=True)
class Features:
    """The numbers of a galaxy from which a network decides."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    kind: FeatureKind
    length: int
    """How many a galaxy has."""


def feature_columns(features: Features | None) -> tuple[Column, ...]:
    """Give the column of the features, where there is one."""
    if features is None:
        return ()
    meaning = {
        "all": "What the last layer of the network is given",
        "axes": "Place among the training galaxies, along the principal axes of their features",
    }
    return (Column(FEATURES_COLUMN, "float32", meaning[features.kind], length=features.length),)


def class_columns(class_names: Sequence[str], flags: Mapping[int, str] | None = None) -> tuple[Column, ...]:
    """Give the columns of a network's answer, and of its certainty where the run is calibrated (``flags``)."""
    shown = [repr(printable(name)) for name in class_names]
    slugs = class_slugs(class_names)
    is_calibrated = flags is not None
    certain = "Calibrated probability" if is_calibrated else "Probability, not calibrated,"
    probabilities = [
        Column(f"p_{slug}", "float32", f"{certain} of class {name}", ucd="stat.probability;src.morph.type")
        for slug, name in zip(slugs, shown, strict=True)
    ]
    if flags is None:
        return (PREDICTED_CLASS, *probabilities, _flags_column({}))
    sets = [
        Column(f"set_{slug}", "bool", f"Whether the set of likely classes holds {name}", ucd="meta.code;src.morph.type")
        for slug, name in zip(slugs, shown, strict=True)
    ]
    return (PREDICTED_CLASS, *probabilities, *sets, *_certainty_columns(), _flags_column(flags))


def _certainty_columns() -> tuple[Column, ...]:
    energy = "Share of known galaxies that are of a lower energy; near 1 no class is found in it"
    nearer = "Share of known galaxies that are nearer to those of the training; near 1 it is like none of them"
    return (
        Column("set_size", "int16", "How many classes the set of likely classes holds", ucd="meta.number"),
        Column("ood_energy", "float32", energy, ucd="stat.rank"),
        Column("ood_knn", "float32", nearer, ucd="stat.rank"),
    )


def _flags_column(flags: Mapping[int, str]) -> Column:
    explained = {**flags, DOUBTFUL: "the picture may show more or less of the sky than those learned from"}
    sums = "; ".join(f"{number} {text}" for number, text in explained.items())
    return Column(FLAGS_COLUMN, "int16", f"What to beware of, a sum of: {sums}", ucd="meta.code.qual")


def class_slugs(class_names: Sequence[str]) -> list[str]:
    """Write class names as words of a column's name, distinct and in their order."""
    # A class of that name would have the column ``set_size``, which counts.
    return distinct([words(name) or "class" for name in class_names], {"size"})


def class_facts(class_names: Sequence[str]) -> dict[str, str]:
    """Say which class the columns that end alike are of, in the run's own letters: ``class_spiral: Spiral``."""
    return {f"class_{slug}": name for slug, name in zip(class_slugs(class_names), class_names, strict=True)}
