"""An error that is kept, or raised again, is a copy without the frames of the first time."""

import pytest

from ledger.core.errors import (
    ContentWithheldError,
    ContradictionError,
    DamagedRowError,
    DocumentRefusedError,
    InputError,
    LedgerError,
    PolicyMismatchError,
    ReadOnlyError,
    Reason,
    copy_error,
)

ERRORS = [
    LedgerError("broken"),
    InputError("too long", field="serial", zh="过长"),
    PolicyMismatchError("another log"),
    DocumentRefusedError([Reason("EXPIRY", "validity.until", "too late", "过晚")]),
    ContradictionError("another root", file="tile/0/000", leaf_index=7),
    ContentWithheldError("withheld"),
    ReadOnlyError("others hold more", "他处记录更多"),
    DamagedRowError("entries", "leaf_index 7", "issuer", "text", "is a number"),
]


def raise_within(error):
    try:
        int("within")
    except ValueError as err:
        raise error from err


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_copy_says_the_same_and_keeps_no_frame(error):
    with pytest.raises(type(error)) as caught:
        raise_within(error)
    copied = copy_error(caught.value)
    assert copied is not error
    assert (type(copied), str(copied), copied.args) == (type(error), str(error), error.args)
    assert vars(copied) == vars(error)
    assert (copied.__traceback__, copied.__context__, copied.__cause__) == (None, None, None)
