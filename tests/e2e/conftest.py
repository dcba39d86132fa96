"""What the tests that look at pages share."""

import pytest
from browsers import chromium


@pytest.fixture(scope="module")
def browser():
    """Chromium; the contexts that a test opens in it are its own."""
    with chromium() as browser:
        yield browser
