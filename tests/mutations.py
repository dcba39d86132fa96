"""Ways to change a JSON document in one place, for tests that nothing changed goes unnoticed."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

JSON = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12) | st.none() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abz", max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
"""Any JSON, inside and outside the profile."""

ODD_VALUES: tuple[Any, ...] = (
    *(
        "",
        " ",
        "A",
        "\u202e",
        "衡",
        "-",
        "0",
        "00",
        "9" * 40,
        "2026-02-30",
        "2026-02-28T00:00:00Z",
        "x" * 5000,
    ),
    *(0, 1, -1, 2**53 - 1, 2**31 + 1, True, False),
    *([], {}, [[]], [""], [0], {"a": 1}, {"sd": "00"}),
)
"""Values that fit nowhere, or only in some places."""


def walk(value: Any, path: tuple = ()) -> Iterator[tuple[tuple, Any]]:
    """Yield path and value of everything inside an object or list."""
    for name, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, name), item
        if isinstance(item, (dict, list)):
            yield from walk(item, (*path, name))


def get(value: Any, path: tuple) -> Any:
    for name in path:
        value = value[name]
    return value


def replaced(document: Any, path: tuple, value: Any) -> Any:
    """Return a copy with another value at a path."""
    copy = deepcopy(document)
    get(copy, path[:-1])[path[-1]] = value
    return copy


def removed(document: Any, path: tuple) -> Any:
    """Return a copy without what stands at a path."""
    copy = deepcopy(document)
    del get(copy, path[:-1])[path[-1]]
    return copy


def added(document: Any, path: tuple, name: str = "stranger", value: Any = "x") -> Any:
    """Return a copy with one more member in the object, or item in the list, at a path."""
    copy = deepcopy(document)
    target = get(copy, path)
    if isinstance(target, dict):
        target[name] = value
    else:
        target.append(value)
    return copy


def show(path: tuple) -> str:
    return ".".join(map(str, path)) or "document"
