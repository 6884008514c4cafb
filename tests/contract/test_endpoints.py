"""Which endpoint serves a group: the same for everyone and for good, evenly, and with few moves."""

from collections import Counter

from contract.endpoints import endpoint_names, endpoint_of, preferred

GROUPS = [f"shop--table-{number}" for number in range(1000)]


def placed(number):
    names = endpoint_names("shop", number)
    return {group: endpoint_of(group, names) for group in GROUPS}


def test_the_first_endpoint_keeps_the_name_that_it_had_alone():
    assert endpoint_names("shop", 1) == ["shop"]
    assert endpoint_names("shop", 3) == ["shop", "shop--2", "shop--3"]


def test_what_is_written_into_the_map_of_an_environment_stays_right():
    """Another rule would move every model of every environment."""
    names = endpoint_names("many-models", 4)
    tables = ("banknote-authentication", "churn", "iris", "wine")
    assert [endpoint_of(f"many-models--{table}", names) for table in tables] == [
        "many-models",
        "many-models--3",
        "many-models",
        "many-models--2",
    ]


def test_each_endpoint_gets_its_share():
    counts = Counter(placed(4).values())
    assert all(200 < counts[name] < 300 for name in endpoint_names("shop", 4))


def test_only_what_the_new_endpoints_take_moves():
    before, after = placed(3), placed(4)
    moved = [group for group in GROUPS if before[group] != after[group]]
    assert {after[group] for group in moved} == {"shop--4"}
    assert 200 < len(moved) < 300


def test_what_goes_leaves_its_groups_to_their_second_choice():
    names = endpoint_names("shop", 3)
    for group in GROUPS[:50]:
        first, second, _ = preferred(group, names)
        assert endpoint_of(group, [name for name in names if name != first]) == second


def test_the_order_in_which_endpoints_are_named_does_not_matter():
    names = endpoint_names("shop", 5)
    assert all(endpoint_of(group, names) == endpoint_of(group, names[::-1]) for group in GROUPS[:50])
