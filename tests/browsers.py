"""Chromium for tests, through Playwright; skipped with the reason where either is absent.

with chromium() as browser:
    browser.new_page(viewport={"width": 360, "height": 640})
"""

import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
ARTEFACTS = ROOT / "test-artifacts" / "office"


def find_chromium():
    """Return where the browser is, or skip."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium: apt install chromium")
    return path


@contextmanager
def another(browser, *options):
    """Start one more browser with other words of its command line."""
    opened = browser.browser_type.launch(executable_path=find_chromium(), args=["--no-sandbox", *options])
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def chromium(*options):
    """Start a browser without a window; Playwright downloads none, so that Debian's is used.

    `options` are words of its command line.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = find_chromium()
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *options])
        try:
            yield browser
        finally:
            browser.close()


def find_violations(page):
    """Return what axe-core says against a page, as texts; None where it is not installed, which a test says."""
    if not AXE.exists():
        return None
    page.evaluate(AXE.read_text(encoding="utf-8") + "\n;0")
    found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
    return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:160]}" for one in found["violations"]]
