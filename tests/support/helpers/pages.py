"""Pages as a browser reads them."""

from html.parser import HTMLParser

__all__ = ["Read"]


class Read(HTMLParser):
    """What a browser would find in a page: tags with their attributes, the text, and each row's cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[list[str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.cells and self.cells[-1]:
            self.cells[-1][-1] += data

    @property
    def rows(self) -> list[str]:
        """The text of each row."""
        return ["".join(row) for row in self.cells]

    def values(self, tag: str, attribute: str) -> list[str | None]:
        return [found[attribute] for name, found in self.tags if name == tag and attribute in found]
