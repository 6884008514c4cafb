"""What YAML would let pass silently, or expand without bounds, is refused with its line."""

import pytest

from helpers.parameters.strict_yaml import NotYaml, load

LISTS = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
MERGED = "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("A: 1\nB: 2\nA: 3", "line 3 repeats the key 'A', so one of its values would be lost"),
        ("A:\n- {b: 1, c: {d: 1, b: 2}, b: 3}", "line 2 repeats the key 'b'"),
        ("- &a x\n- *a : 1\n  *a : 2", "line 3 repeats the key '*a'"),
        ("[" * 3000 + "]" * 3000, "line 1 is nested more than 50 levels deep"),
        ("- " * 3000 + "x", "line 1 is nested more than 50 levels deep"),
        ("a0: &a0 [1, 2, 3]\n" + LISTS, "line 7 makes it more than 1,000,000 values, most of them repeated"),
        ("a0: &a0 {b: 1}\n" + MERGED, "makes it more than 1,000,000 values"),
        ("A: &a\n- b\n- *a", "line 3 repeats what it is a part of, *a"),
        ("A: 1\n---\nB: 2", "expected a single document"),
        ("A: *b", "found undefined alias, line 1, column 4"),
        ("? [a]\n: 1", "found unhashable key"),
        ("A: 2024-13-45", "month must be in 1..12"),
        ("\x00", "control characters are not allowed"),
    ],
    ids=lambda it: ascii(it)[:30],
)
def test_it_is_refused_on_one_line(text: str, complaint: str) -> None:
    with pytest.raises(NotYaml) as raised:
        load(text)
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("approve", "approve"),
        ("[" * 50 + "]" * 50, eval("[" * 50 + "]" * 50)),
        ("{A: {b: 1}, B: {b: 1}}", {"A": {"b": 1}, "B": {"b": 1}}),
        ("[A, A, {A: A}]", ["A", "A", {"A": "A"}]),
        ("- &d {a: 1, b: 2}\n- {<<: *d, b: 3}\n- *d", [{"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 1, "b": 2}]),
    ],
    ids=lambda it: ascii(it)[:30],
)
def test_what_is_plain_is_read(text: str, value: object) -> None:
    assert load(text) == value
