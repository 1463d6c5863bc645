"""A linear probe: the last layer alone, as scikit-learn would fit it."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from kamerton.errors import UsageError
from kamerton.recipes import load_recipe
from kamerton.runs.folder import Run
from kamerton.training.frozen import STRONGEST, WEAKEST, Features, FrozenTrainer, fitted
from kamerton.training.train import train


def features(classes: int) -> Features:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, 90)
    values = rng.normal(size=(90, 12)) * rng.uniform(0.01, 10, 12) + labels[:, np.newaxis] * rng.normal(size=12) + 3
    values[:, 4] = 2.5
    return Features(torch.from_numpy(values).float(), torch.from_numpy(labels))


@pytest.mark.parametrize("classes", [3, 5])
@pytest.mark.parametrize("strength", [1e-3, 0.1])
def test_the_fit_is_scikit_learns_on_standardised_features(classes: int, strength: float) -> None:
    known = features(classes)
    weight, bias = fitted(known, classes, strength)
    values = known.values.numpy().astype(np.float64)
    deviation = values.std(0)
    standard = (values - values.mean(0)) / np.where(deviation > 0, deviation, 1)
    oracle = LogisticRegression(C=strength, tol=1e-10, max_iter=5000).fit(standard, known.labels.numpy())
    logits = torch.nn.functional.linear(known.values.double(), weight, bias)
    np.testing.assert_allclose(logits.softmax(1).numpy(), oracle.predict_proba(standard), atol=1e-4)


def test_views_of_a_galaxy_weigh_as_one_galaxy_against_the_penalty() -> None:
    known = features(3)
    eight = Features(known.values.repeat(8, 1), known.labels.repeat(8), views=8)
    for found, wanted in zip(fitted(eight, 3, 0.01), fitted(known, 3, 0.01), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-5)


def test_a_recipe_that_turns_its_galaxies_has_the_head_learn_from_all_eight_views(
    toy_run: Run, toy_splits: Path, tmp_path: Path
) -> None:
    turned_recipe = load_recipe("modern", epochs=1, freeze=True)
    augment = turned_recipe.augment
    assert augment is not None
    plain = dataclasses.replace(turned_recipe, augment=dataclasses.replace(augment, turns="none"))
    heads = []
    for name, recipe in {"turned": turned_recipe, "plain": plain}.items():
        run = train(toy_splits, network="lenet5", start=toy_run, recipe=recipe, out=tmp_path / name)
        heads.append(list(run.load_network().state_dict().values())[-2])
    assert not torch.allclose(heads[0], heads[1], rtol=1e-2)


def test_a_class_without_galaxies_has_its_place_and_is_never_likely() -> None:
    known = features(3)
    weight, bias = fitted(known, 4, 0.1)
    assert weight.shape == (4, 12)
    assert torch.nn.functional.linear(known.values.double(), weight, bias).argmax(1).max() < 3


@pytest.fixture(scope="module")
def probe(toy_run: Run, toy_splits: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A probe of the toy run's features; do not change it."""
    out = tmp_path_factory.mktemp("probe") / "run"
    return train(toy_splits, network="lenet5", start=toy_run, freeze=True, epochs=3, out=out)


def test_all_but_the_last_layer_stays_as_the_start_has_it(probe: Run, toy_run: Run) -> None:
    before, after = toy_run.load_network().state_dict(), probe.load_network().state_dict()
    changed = {name.rpartition(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {list(before)[-1].rpartition(".")[0]}


def test_a_strength_is_an_epoch_and_validation_chooses(probe: Run) -> None:
    history = probe.history()
    np.testing.assert_allclose(history["penalty_c"], np.geomspace(STRONGEST, WEAKEST, 3))
    assert "lr" not in history
    assert history["loss"].is_monotonic_decreasing
    assert probe.record.results is not None
    assert probe.record.results.epoch == 1 + history["val_loss"].argmin()
    assert probe.record.recipe is not None
    assert probe.record.recipe.frozen


def test_the_chosen_strength_is_said_and_the_seconds_hold_those_of_the_features(
    toy_run: Run, toy_splits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute, took, said = FrozenTrainer.features_of, [0.0], []

    def timed(*given: Any, **more: Any) -> Features:
        start = time.perf_counter()
        found = compute(*given, **more)
        took[0] += time.perf_counter() - start
        return found

    monkeypatch.setattr(FrozenTrainer, "features_of", timed)
    monkeypatch.setattr("kamerton.training.progress.Silent.say", lambda _, text: said.append(text))
    run = train(toy_splits, network="lenet5", start=toy_run, freeze=True, epochs=2, out=tmp_path / "run")
    history, results = run.history(), run.record.results
    assert history["seconds"].iloc[0] > took[0] > 0
    assert results is not None
    assert results.epoch is not None
    chosen = history["penalty_c"].iloc[results.epoch - 1]
    assert any(line.startswith(f"penalty C {chosen:.3g}, the best val_loss of 2 strengths") for line in said)


def test_one_strength_alone_is_not_called_the_best(
    toy_run: Run, toy_splits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("kamerton.training.progress.Silent.say", lambda _, text: said.append(text))
    train(toy_splits, network="lenet5", start=toy_run, freeze=True, epochs=1, out=tmp_path / "run")
    (line,) = [line for line in said if line.startswith("penalty C")]
    assert line == "penalty C 0.0001, the strongest, and the only one tried; more --epochs try others, up to 0.1"


def test_a_probe_that_was_stopped_goes_on_to_the_same_bits(
    probe: Run, toy_run: Run, toy_splits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    settings: dict[str, Any] = {
        "network": "lenet5",
        "start": toy_run,
        "freeze": True,
        "epochs": 3,
        "out": tmp_path / "run",
    }
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("kamerton.training.progress.Silent.end_epoch", stop)
        train(toy_splits, **settings)
    again = train(toy_splits, **settings, resume=True)
    assert again.weights_sha256() == probe.weights_sha256()
    assert again.history_sha256() == probe.history_sha256()


def test_a_probe_without_learned_weights_is_one_line(toy_splits: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--freeze.*Next: name them with --start; `kamerton networks`"):
        train(toy_splits, network="lenet5", freeze=True, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_network_that_ends_in_no_dense_layer_is_one_line(
    toy_run: Run, toy_splits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kamerton.networks.features._last_dense", lambda *_: None)
    with pytest.raises(UsageError, match=r"Only the last dense layer.*leave --freeze out"):
        train(toy_splits, network="lenet5", start=toy_run, freeze=True, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
