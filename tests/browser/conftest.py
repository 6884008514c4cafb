"""One JupyterLab and one Chromium for all tests; what is seen is under runs/browser/."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from support.debian import Missing
from support.notebooks import lab
from support.notebooks.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Page


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith("tests/browser/"):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def page() -> Iterator["Page"]:
    """An empty page in a headless Chromium."""
    from playwright.sync_api import sync_playwright

    try:
        path = lab.chromium()
    except Missing as reason:
        pytest.skip(str(reason))
    with sync_playwright() as playwright:
        # Its sandbox needs rights that root of a container lacks; it opens nothing but this machine's pages.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1280, "height": 900})
        browser.close()


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """What `make lab` serves."""
    project = lab.copy_of_the_project(tmp_path_factory.mktemp("project"))
    with lab.serve(project, tmp_path_factory.mktemp("home")) as served:
        yield served
