"""What maps are worth."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch import nn

from kamerton.explaining.methods import METHODS, Subject, subject_of
from kamerton.explaining.receipt import FEWEST_GALAXIES, Receipt, Trial, make_receipt, mean_of
from kamerton.explaining.telling import LANGUAGES, verdicts
from kamerton.progress import Silent
from tests.explaining.test_deleting import galaxies
from tests.explaining.test_methods import SIZE, network_of_one_corner


def other_network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    network = network_of_one_corner()
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, std=0.1)
    return network


def receipt_of(network: nn.Module, images_nchw: torch.Tensor) -> Receipt:
    maker = METHODS["hirescam"](network, (SIZE, SIZE, 3))
    classes = torch.ones(len(images_nchw), dtype=torch.int64)
    fresh = [other_network(seed) for seed in (5, 6, 7)]
    trial = Trial(subject_of(network), network, fresh, maker, maker.maps, images_nchw, classes, maker.passes)
    return make_receipt(trial, Silent())


@pytest.fixture(scope="module")
def of_a_corner() -> Receipt:
    return receipt_of(network_of_one_corner(), galaxies(10))


def test_maps_of_a_network_that_looks_at_a_corner_beat_a_gaussian_in_the_middle(of_a_corner: Receipt) -> None:
    assert of_a_corner.beats_gaussian is True
    assert of_a_corner.beats_random is True
    assert of_a_corner.follows_weights is True


def test_maps_that_say_no_more_than_the_middle_are_told_so() -> None:
    network = network_of_one_corner()
    dense = network.get_submodule("4")
    assert isinstance(dense, nn.Linear)
    with torch.no_grad():
        # Now the very middle counts, and nothing else.
        weights = dense.weight.view(2, 16, 16, 2)
        weights.zero_()
        weights[1, 7:9, 7:9] = 8
    images_nchw = galaxies(10)
    images_nchw[:, :, 14:18, 14:18] += 0.8
    receipt = receipt_of(network, images_nchw)
    assert receipt.beats_gaussian is False
    assert receipt.beats_random is True
    assert verdicts(receipt, LANGUAGES["en"])[0].startswith("THE MAPS ARE NOT SHOWN TO BE BETTER THAN A GAUSSIAN")
    assert verdicts(receipt, LANGUAGES["pl"])[0].startswith("NIE WYKAZANO")


def test_of_too_few_galaxies_nothing_is_said() -> None:
    receipt = receipt_of(network_of_one_corner(), galaxies(FEWEST_GALAXIES - 1))
    assert (receipt.beats_gaussian, receipt.beats_random, receipt.follows_weights) == (None, None, None)
    assert all("oo few" in line for line in verdicts(receipt, LANGUAGES["en"])[:3])


def test_a_receipt_is_plain_json(of_a_corner: Receipt) -> None:
    content = json.loads(json.dumps(of_a_corner.as_json(), allow_nan=False))
    assert content["verdicts"]["beats_gaussian"] is True
    assert content["map"]["inserted"]["value"] > content["gaussian"]["inserted"]["value"]
    assert content["cascade"][-1]["share"] == 1


def test_intervals_hold_the_mean_and_narrow_with_the_galaxies() -> None:
    rng = np.random.default_rng(1)
    few, many = mean_of(rng.normal(2, 1, 20)), mean_of(rng.normal(2, 1, 2000))
    assert few.low < few.value < few.high
    assert many.high - many.low < (few.high - few.low) / 5


def test_both_languages_say_the_same_things() -> None:
    assert {lang: sorted(words) for lang, words in LANGUAGES.items()} == dict.fromkeys(
        LANGUAGES, sorted(LANGUAGES["en"])
    )


def test_a_method_of_many_passes_is_tried_on_fewer_galaxies() -> None:
    network, images_nchw = network_of_one_corner(), galaxies(10)
    maker = dataclasses.replace(METHODS["hirescam"](network, (SIZE, SIZE, 3)), passes=1000)
    classes = torch.ones(10, dtype=torch.int64)
    subject = Subject(subject_of(network).answers, network)
    trial = Trial(subject, network, [other_network(5)], maker, maker.maps, images_nchw, classes, maker.passes)
    receipt = make_receipt(trial, Silent())
    assert (receipt.galaxies, receipt.galaxies_turned) == (10, 1)
