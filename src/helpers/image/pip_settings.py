"""What pip of this machine was told: where packages come from, and how they are reached."""

import ast
import subprocess

__all__ = ["pip_settings"]


def pip_settings(python: str) -> dict[str, list[str]]:
    """The settings by which this pip installs, by name, such as `index-url`, each with its values.

    What is listed last counts: files from the widest to the nearest, then the environment.

    Args:
        python: the interpreter whose pip is asked.
    """
    command = [python, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if section in ("global", "install", ":env:"):
            found[key] = str(ast.literal_eval(value)).split()
    return found
