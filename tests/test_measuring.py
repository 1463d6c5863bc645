"""Rates are positive, and shares are what they say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kamerton.cli import main
from kamerton.errors import UnknownNameError, UsageError
from kamerton.measuring import bench

SMALL: dict[str, Any] = {"size": 32, "batch_size": 4, "repeats": 1}


def test_shares_are_rates_times_operations_over_the_matrix_products_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kamerton.measuring._matrix_rate", lambda: 1e12)
    found = bench("lenet5", **SMALL)
    (rates,) = found.networks
    assert found.matrix_gflops_per_second == 1000
    answers, steps = rates.prediction_images_per_second, rates.training_images_per_second
    assert rates.prediction_share * 1e12 == pytest.approx(answers * rates.flops_an_image)
    assert rates.training_share * 1e12 == pytest.approx(steps * rates.training_flops_an_image)
    assert 2 * rates.flops_an_image < rates.training_flops_an_image < 3 * rates.flops_an_image
    assert rates.one_image_seconds > 0
    assert min(found.loader_images_per_second, found.start_up_seconds, rates.training_images_per_second) > 0
    assert any(line.startswith("lenet5") for line in found.describe())


def test_a_program_gets_every_rate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--networks", "lenet5", "--size", "32", "--batch-size", "4", "--repeats", "1", "--json"]
    monkeypatch.setattr("sys.argv", ["kamerton", "bench", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["networks"][0]["network"] == "lenet5"
    assert told["size"] == 32


def test_what_cannot_be_measured_is_refused_before_anything_is() -> None:
    with pytest.raises(UnknownNameError):
        bench(["lenet6"], **SMALL)
    with pytest.raises(UsageError, match="too small for AlexNet"):
        bench(["alexnet"], **SMALL)
