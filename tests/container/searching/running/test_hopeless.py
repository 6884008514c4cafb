"""Which trials are stopped before their last fold."""

import numpy as np
from support.container.answers import SCORING, numbers
from tabular.searching.running.hopeless import why_hopeless
from tabular.searching.trials import Configuration, Trial


def ended(*scores: float, answers=()) -> Trial:
    return Trial(0, Configuration("a", {}, "default"), list(scores), state="complete", answers=list(answers))


def test_a_trial_below_the_median_is_hopeless_unless_it_helps_the_best():
    (best, apart), targets = numbers(1.0, 1.3)
    worse = [one + 3.0 for one in best]
    scores = {
        name: [SCORING.score(a, t) for a, t in zip(found, targets, strict=True)]
        for name, found in {"best": best, "apart": apart, "worse": worse}.items()
    }
    earlier = [ended(*scores["best"], answers=best) for _ in range(5)]

    def why(name: str, found: list[np.ndarray], combine: bool = True, among=earlier) -> str | None:
        return why_hopeless(scores[name][:1], found[:1], among, targets, SCORING, combine)

    assert "was below the median" in why("worse", worse)
    assert why("apart", apart) is None
    assert "after 1 fold, -1.3" in why("apart", apart, combine=False)
    assert why("best", best, combine=False) is None
    assert why("worse", worse, among=earlier[:4]) is None, "too few to judge by"
