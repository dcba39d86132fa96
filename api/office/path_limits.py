"""How long bodies may be, by path: some paths hold the id of a thing.

>>> PathLimits({"/drafts/{draft}/edit": 512})["/drafts/7/edit"]
512
"""

import re
from collections.abc import Iterator, Mapping


class PathLimits(Mapping[str, int]):
    """Path -> longest body in bytes, where it is not the usual one; looked up by a real path."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        """Take limits by path, with names in braces as operations have them."""
        self._exact = {path: limit for path, limit in limits.items() if "{" not in path}
        self._patterns = {
            path: (re.compile(re.sub(r"\\{\w+\\}", "[^/]{1,64}", re.escape(path)), re.ASCII), limit)
            for path, limit in limits.items()
            if "{" in path
        }

    def __getitem__(self, path: str) -> int:
        if path in self._exact:
            return self._exact[path]
        for pattern, limit in self._patterns.values():
            if pattern.fullmatch(path):
                return limit
        raise KeyError(path)

    def __iter__(self) -> Iterator[str]:
        yield from self._exact
        yield from self._patterns

    def __len__(self) -> int:
        return len(self._exact) + len(self._patterns)
