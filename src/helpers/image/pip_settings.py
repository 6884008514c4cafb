"""The settings of this machine's pip: where packages come from, and how to reach them."""

import ast
import subprocess

__all__ = ["pip_settings"]

SECTIONS = ("global", "install", ":env:")  # in pip's order: a later one overrides


def pip_settings(python: str) -> dict[str, list[str]]:
    """The settings that this pip installs with, by name, such as `index-url`, each with its values.

    Args:
        python: the interpreter whose pip to ask.
    """
    command = [python, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, dict[str, list[str]]] = {section: {} for section in SECTIONS}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if section in found:
            found[section][key] = str(ast.literal_eval(value)).split()
    return {key: values for section in SECTIONS for key, values in found[section].items()}
