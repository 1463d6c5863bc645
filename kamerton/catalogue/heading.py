"""What a catalogue says of itself: its columns, and the model that its classes come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kamerton.catalogue.columns import Features, Header, catalogue_columns, class_facts
from kamerton.catalogue.record import CatalogueRecord, Model, SourceRecord
from kamerton.catalogue.shards import FINGERPRINT
from kamerton.certainty.judging import FLAGS, Certainty
from kamerton.config.pictures import ID_COLUMN, PATH_COLUMN
from kamerton.plurals import counted
from kamerton.runs.folder import Run
from kamerton.runs.record import versions

RUN_PATH = "run_path"
"""Where the run was, as it was named; it may have been moved since."""

FEATURE_KIND = "features"
"""Fact that tells which features the galaxies of a catalogue have."""

SOURCE_FACT = "source_{number}"
"""Facts that tell where its galaxies came from, and by which digest that is known again."""

SOURCES_TOLD = 20
"""Sources that are told; ten thousand cutouts, each named by itself, would be more than their catalogue."""


def source_facts(sources: Sequence[SourceRecord]) -> dict[str, str]:
    """Say where galaxies came from."""
    facts: dict[str, str] = {}
    if len(sources) <= SOURCES_TOLD:
        for number, source in enumerate(sources, start=1):
            name = SOURCE_FACT.format(number=number)
            facts |= {name: source.path, f"{name}_digest": source.identity}
            if source.path_column != PATH_COLUMN:
                facts[f"{name}_path_column"] = source.path_column
            if source.id_column != ID_COLUMN:
                facts[f"{name}_id_column"] = source.id_column
            if source.id_prefix:
                facts[f"{name}_id_prefix"] = source.id_prefix
    return facts


def sources_told(facts: Mapping[str, str]) -> list[SourceRecord]:
    """Give back what `source_facts` said; nothing where it said nothing."""
    found = []
    for number in range(1, SOURCES_TOLD + 1):
        name = SOURCE_FACT.format(number=number)
        if name in facts:
            column = facts.get(f"{name}_path_column", PATH_COLUMN)
            digest, prefix = facts.get(f"{name}_digest", ""), facts.get(f"{name}_id_prefix", "")
            ids = facts.get(f"{name}_id_column", ID_COLUMN)
            found.append(SourceRecord(facts[name], "", digest, column, ids, prefix))
    return found


def heading(record: CatalogueRecord) -> Header:
    """Give the columns of a catalogue and all that is said of them."""
    manifest, model = record.manifest, record.model
    columns = catalogue_columns(
        manifest.carried,
        model.class_names,
        positions=manifest.has_positions,
        flags=None if model.calibration is None else FLAGS,
        features=model.features,
    )
    facts = {**record.facts, FINGERPRINT: record.fingerprint}
    return Header(f"Shapes of {counted(manifest.galaxies, 'galaxy')}, by the network {model.network}", columns, facts)


def model_of(
    run: Run, certainty: Certainty | None, *, eight_views: bool, int8: bool, features: Features | None = None
) -> Model:
    """Say what decides over the rows."""
    return Model(
        run.weights_sha256(),
        run.record.network,
        run.record.class_names,
        run.record.preprocessing,
        run.record.pixel_origin,
        None if certainty is None else certainty.calibration.fingerprint,
        eight_views,
        int8,
        features,
    )


def model_facts(run: Run, model: Model, certainty: Certainty | None) -> dict[str, str]:
    """Say what a reader of the catalogue must know of the model, by names that need no explanation."""
    results = run.record.results
    facts = {
        "run": run.name,
        RUN_PATH: str(run.path),
        "run_fingerprint": "none: the training has not ended" if results is None else results.fingerprint,
        "weights_sha256": model.weights,
        "network": model.network,
        "pixels": "not known" if model.pixel_origin is None else str(model.pixel_origin),
        "image_side_px": str(model.preprocessing.size),
        "views": "8" if model.eight_views else "1",
        "precision": "int8" if model.int8 else "float32",
        "calibration": "none: the probabilities are the network's own",
    }
    if model.features is not None:
        facts[FEATURE_KIND] = model.features.kind
    if certainty is not None:
        facts |= certainty.facts
    facts |= {f"version_{name}": version for name, version in versions().items()}
    return facts | class_facts(model.class_names)
