"""One stack with the demo for all browser tests of a process, and people who come to it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.acting import sign_in
from tests.browser.stack import DemoStack, demo_stack

Visitor = Callable[..., Page]
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoStack]:
    with demo_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def visitor(chromium: Browser, stack: DemoStack) -> Iterator[Visitor]:
    """
    Open a browser of its own for each person; at the end no script may have failed and no policy been broken.

    A busy machine makes pages wait for two cores: what must happen may take its time.
    """
    contexts = []
    faults: list[str] = []
    expect.set_options(timeout=30_000)

    def open_browser(email: str = "", **options: object) -> Page:
        options = {"base_url": stack.url, "locale": "en-GB", "timezone_id": "Asia/Shanghai", **options}
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
        if email:
            sign_in(page, email)
        return page

    yield open_browser
    for context in contexts:
        context.close()
    expect.set_options(timeout=5_000)
    assert faults == []
