"""An executed notebook as a page beside it, to be read without Jupyter, a server or a network."""

import os
import re
from pathlib import Path
from urllib.parse import quote

import nbformat
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from nbformat import NotebookNode

from helpers.session.storage import write_whole

__all__ = ["render", "write"]

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# The forms of an output that a page shows, the best first.
SHOWN = ("text/html", "image/png", "image/svg+xml", "text/markdown", "text/plain")

# Of HTML in Markdown, only what folds an answer is let through.
FOLDED = re.compile(r"<p>&lt;details&gt;&lt;summary&gt;([^<]*?)&lt;/summary&gt;</p>")
FOLD_ENDS = "<p>&lt;/details&gt;</p>"
UP = re.compile(r"^\.\./")

_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def write(notebook: Path, source: Path) -> None:
    """Write the page of a notebook beside it, if there is such a notebook.

    Args:
        notebook: the executed one.
        source: the notebook of which it is a copy, from whose folder its links lead to the documentation.
    """
    if notebook.is_file():
        executed = nbformat.read(notebook, as_version=4)
        up = Path(os.path.relpath(source.resolve().parents[1], notebook.resolve().parent)).as_posix()
        with write_whole(notebook.with_suffix(".html")) as part:
            part.write_text(render(notebook.stem, executed, up), encoding="utf-8")


def render(title: str, notebook: NotebookNode, up: str = "..") -> str:
    """The page of a notebook.

    Args:
        title: of the page.
        notebook: what it shows.
        up: the way from the page to the folder that the notebook's links call `..`.
    """
    return _templates.get_template("notebook.html").render(
        title=title,
        cells=notebook.cells,
        markdown=lambda markdown: _prose(markdown, up),
        shown=_shown,
        plain=_plain,
    )


def _prose(markdown: str, up: str) -> str:
    """Markdown as HTML, with its folded answers folded, and with links that lead from the page."""
    tokens = _markdown.parse(markdown)
    for link in (each for token in tokens for each in token.children or () if each.type == "link_open"):
        link.attrSet("href", UP.sub(lambda _: f"{quote(up)}/", str(link.attrGet("href"))))
    rendered = _markdown.renderer.render(tokens, _markdown.options, {})
    return FOLDED.sub(r"<details><summary>\1</summary>", rendered).replace(FOLD_ENDS, "</details>")


def _shown(output: NotebookNode) -> tuple[str, str] | None:
    """The form in which an output is shown, and its content; None for what is only for programs."""
    if output.output_type == "stream":
        return "text/plain", output.text
    if output.output_type == "error":
        return "error", "\n".join(output.traceback) or f"{output.ename}: {output.evalue}"
    return next(((form, output.data[form]) for form in SHOWN if form in output.data), None)


def _plain(text: str) -> str:
    """Text of a terminal without its colours."""
    return ANSI.sub("", text)
