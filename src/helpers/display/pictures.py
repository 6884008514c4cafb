"""Pictures with their alternative text: what somebody who does not see them is told."""

import base64
import html
import io
import os
from typing import TYPE_CHECKING

from helpers.display.front_end import in_kernel, show

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["picture"]

RESOLUTION = 2  # pixels of a picture for each one of the page: sharp on a projector and on any screen
PNG = "image/png"
COLORS = 256
# What jupyter_server says to a kernel that it starts for a notebook which somebody has opened.
IN_JUPYTERLAB = "JPY_SESSION_NAME"


def picture(drawn: "str | Figure", alt: str) -> None:
    """Show an SVG or a figure with its alternative text, which is also its plain text.

    A figure becomes a PNG at twice the resolution. Its output's metadata have the alternative text and the
    width to show it at, in the form of https://nbformat.readthedocs.io/en/latest/format_description.html.
    JupyterLab 4.6.6 does not read the text from there, so it gets the PNG as an image with its text, too.

    Raises:
        ValueError: there is no alternative text.
    """
    if not alt.strip():
        raise ValueError("A picture needs an alternative text: one sentence that says what is seen.")
    if not in_kernel():
        print(alt)
    elif isinstance(drawn, str):
        source = f"data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()}"
        show({"text/html": _image(source, alt), "text/plain": alt})
    else:
        data, width = _png(drawn)
        forms = {PNG: data, "text/plain": alt}
        if IN_JUPYTERLAB in os.environ:
            forms["text/html"] = _image(f"data:{PNG};base64,{data}", alt, width)
        show(forms, {PNG: {"alt": alt, "width": width}})


def _image(source: str, alt: str, width: int | None = None) -> str:
    """An image: as an element of its own, an SVG would not be shown in a notebook that nobody has trusted."""
    wide = f' width="{width}"' if width else ""
    return f'<img alt="{html.escape(alt)}"{wide} src="{source}" style="max-width: 100%">'


def _png(figure: "Figure") -> tuple[str, int]:
    """A figure in base64, and the width at which it is as large as it was drawn.

    With a palette, it takes a third of the bytes, and no colour is off by more than a few of 256 steps.
    """
    from PIL import Image  # which Matplotlib uses, too

    drawn, saved = _Pixels(), io.BytesIO()
    figure.savefig(drawn, format="rgba", dpi=RESOLUTION * figure.dpi, bbox_inches="tight")
    height, width, _ = drawn.pixels.shape
    image = Image.frombuffer("RGBA", (width, height), drawn.pixels, "raw", "RGBA", 0, 1).convert("RGB")
    image.quantize(COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(saved, "png")
    return base64.b64encode(saved.getvalue()).decode(), round(width / RESOLUTION)


class _Pixels(io.RawIOBase):
    """What Matplotlib writes to it as a file: its pixels (height, width, 4), which no PNG has to carry."""

    def write(self, pixels: memoryview) -> int:
        self.pixels = pixels
        return pixels.nbytes
