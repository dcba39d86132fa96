"""One kind of vectors: a folder of cases, and the README that says why each passes or fails."""

import json
from dataclasses import dataclass, field
from typing import Any

from ledger_in_memory import (
    make_signer,
)

SEAL = make_signer("seal")


@dataclass
class Kind:
    """One folder of vectors."""

    name: str
    files: dict[str, str]
    """Name of each file of a case -> what it holds."""
    cases: dict[str, tuple[str, dict[str, bytes]]] = field(default_factory=dict)
    """Name -> why it passes or fails, and its files."""

    def add(self, name: str, why: str, **files: bytes) -> None:
        """Add a case; `certificate_json` becomes `certificate.json`."""
        self.cases[name] = (why, {_file_name(key): raw for key, raw in files.items()})

    def readme(self) -> bytes:
        rows = [f"| `{name}` | {why} |" for name, (why, _) in sorted(self.cases.items())]
        lines = [
            f"# Vectors: {self.name}",
            "",
            *(f"- `{name}`: {holds}." for name, holds in self.files.items()),
            "",
            "| case | why |",
            "| --- | --- |",
            *rows,
            "",
        ]
        return "\n".join(lines).encode()


def _file_name(key: str) -> str:
    stem, _, extension = key.rpartition("_")
    return f"{stem}.{extension}"


def show(value: Any) -> bytes:
    """Return JSON as people read it."""
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
