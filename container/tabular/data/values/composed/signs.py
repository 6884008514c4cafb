"""Patterns of what several notations are written with."""

__all__ = ["FOOT", "INCH", "MINUS", "NUMBER"]

NUMBER = r"\d+(?:[.,]\d+)?"
FOOT, INCH = "['\u2032\u2019]", "(?:\"|\u2033|\u201d|''|\u2032\u2032)"
MINUS = "\u2212\u2013\u2014-"
