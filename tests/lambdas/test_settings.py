"""Each function's settings from its environment, and the error if one is missing."""

import dataclasses

import pytest

from contract import names
from lambdas.errors import SettingError
from lambdas.settings import Settings


def test_every_function_gets_the_settings_it_reads(environment, monkeypatch):
    required = [field.name.upper() for field in dataclasses.fields(Settings)]
    for function in names.load().functions.values():
        assert function.environment[: len(required)] == tuple(required)
        for name in required:
            with monkeypatch.context() as patch:
                patch.delenv(name)
                with pytest.raises(SettingError, match=name):
                    Settings.from_environment()


@pytest.mark.parametrize("value", ["0", "-1", "two", "101", "1.5"])
def test_a_number_of_endpoints_that_cannot_be_is_refused(environment, monkeypatch, value):
    monkeypatch.setenv("ENDPOINTS", value)
    with pytest.raises(
        SettingError, match=f"ENDPOINTS is '{value}'; it must be a whole number from 1 to 100"
    ):
        Settings.from_environment()
