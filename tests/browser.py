"""Headless Chromium for tests: Debian's (or another's) binary, driven by Playwright, which brings none of its own here.

Use the fixture ``browser`` (``from tests.browser import browser``). Tests that do so carry the marker ``browser`` and are
skipped with a message where Chromium is not installed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A browser of its own for the tests of this process."""
    program = next((p for n in NAMES if (p := shutil.which(n)) is not None), None)
    if program is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has no sandbox for root
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield started
        finally:
            started.close()
