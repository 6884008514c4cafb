"""What is tried next: the portfolio, and what a sampler draws."""

from dataclasses import replace

import pytest
from tabular.searching.proposals.portfolio import portfolio
from tabular.searching.proposals.proposals import SAMPLERS, Proposals
from tabular.searching.trials import Configuration, Trial
from tabular.spec import own_steps
from tabular.spec.algorithms import ALGORITHMS, build


@pytest.mark.parametrize("family", ["classification", "regression"])
def test_every_configuration_of_the_portfolio_can_be_built_and_no_two_are_alike(family):
    found = portfolio(family)
    for one in found:
        build(one.algorithm, family, one.hyperparameters, 1)
    assert len({(one.algorithm, *one.hyperparameters.items()) for one in found}) == len(found) > 0


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_each_sampler_draws_the_same_for_the_same_seed_and_within_the_ranges(sampler):
    def drawn() -> list[Configuration]:
        proposals = Proposals(list(ALGORITHMS), "classification", 30, 5, sampler)
        found = []
        for number in range(30):
            found.append(proposals.ask())
            ended = Trial(number, found[-1], [float(-number % 7)], state="complete")
            proposals.tell(ended)
        return found

    first = drawn()
    assert first == drawn()
    for one in first:
        build(one.algorithm, "classification", one.hyperparameters, 1)
    second = first[len(ALGORITHMS) : 2 * len(ALGORITHMS)]
    assert {one.algorithm for one in second} == set(ALGORITHMS), "they take turns"


def test_an_algorithm_without_hyperparameters_is_tried_once(monkeypatch):
    naive = ALGORITHMS["NaiveBayes"]
    bare = {family: replace(one, hyperparameters={}) for family, one in naive.estimators.items()}
    monkeypatch.setattr(own_steps, "algorithms", lambda: {"NaiveBayes": replace(naive, estimators=bare)})
    proposals = Proposals(["NaiveBayes"], "classification", 3, 1)
    assert proposals.ask() == Configuration("NaiveBayes", {}, "default")
    assert proposals.ask() is None
