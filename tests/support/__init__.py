"""What tests share: examples, runs and servers, by the room that they are about."""

from pathlib import Path

__all__ = ["ROOT"]

ROOT = Path(__file__).parents[2]
