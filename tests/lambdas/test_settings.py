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
