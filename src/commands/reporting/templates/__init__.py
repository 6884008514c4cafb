"""The templates of the pages: `run.html` and `status.html`, with the style and the script that both have.

`sentence.html` is how both write a sentence with a command in it.

A page is one file, to open or to mail, without a server or a network.
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

__all__ = ["TEMPLATES"]

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,  # names and classes come from tables
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
