"""Chromium, Debian's package `chromium`, in which pages are tested; no page can reach another machine.

Without it tests are skipped, unless TFGRAPHS_NEEDS_BROWSER is set.
"""

import contextlib
import importlib
import os
import shutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

PROGRAM = shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]


def needed() -> ModuleType:
    """Returns playwright, or skips the test or the module that calls this."""
    if os.environ.get("TFGRAPHS_NEEDS_BROWSER"):
        return importlib.import_module("playwright.sync_api")
    if not PROGRAM:
        pytest.skip("needs Chromium, Debian's package chromium", allow_module_level=True)
    return pytest.importorskip("playwright.sync_api", reason="needs the extra browser")


@contextlib.contextmanager
def started() -> Iterator[Any]:
    """A browser."""
    with needed().sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=ARGUMENTS)
        yield browser
        browser.close()
