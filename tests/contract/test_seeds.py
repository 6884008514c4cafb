"""Each table has draws of its own, and the same ones whenever it is trained with the same random state."""

from contract.seeds import RANDOM_STATE, tuner_seed

SEED_OF_WINE = 334350259


def test_each_table_and_each_random_state_has_its_own_seed() -> None:
    asked = [(f"table-{number}", state) for number in range(500) for state in (1, 2)]
    seeds = {tuner_seed(*each) for each in asked}
    assert len(seeds) == len(asked)
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_seed_is_that_of_yesterday_whoever_asks_for_it() -> None:
    """The retrainer has texts, and an execution that is asked for again must be found by its digest."""
    assert tuner_seed("wine") == tuner_seed("wine", RANDOM_STATE) == tuner_seed("wine", "42") == SEED_OF_WINE
