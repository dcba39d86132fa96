"""Writes what each role says of itself into `api/openapi`, kept there so that a change is seen in review.

>>> main(["--check"])
0
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from api.app import LedgerParts, Parts, PublicParts, build_api
from api.auditing import Auditor
from api.office.application import build_office

FOLDER: Final = Path(__file__).resolve().parent / "openapi"
ROLES: Final = {
    "public": (True, False, False),
    "ledger": (False, True, False),
    "auditor": (False, False, True),
    "all": (True, True, False),
}
"""Role -> whether it is public, ledger, auditor."""
OFFICE: Final = "office"
"""Described from its operations, see `api.office.operations`."""


def render(role: str) -> str:
    """Return the OpenAPI document of a role; nothing is behind its routes."""
    nothing: Any = None
    anything: Any = object()
    if role == OFFICE:
        return _spell(build_office(nothing).openapi())
    has_public, has_ledger, has_auditor = ROLES[role]
    public = PublicParts(nothing, nothing, "", nothing, search=anything) if has_public else None
    ledger = LedgerParts(nothing, nothing) if has_ledger else None
    auditor = Auditor(nothing, nothing, nothing, nothing, nothing, nothing) if has_auditor else None
    parts = Parts(nothing, nothing, nothing, public=public, ledger=ledger, auditor=auditor)
    return _spell(build_api(parts).openapi())


def _spell(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the documents, or with `--check` only say which differ; return the exit code."""
    changed = [role for role in (*ROLES, OFFICE) if not _is_stored(role)]
    for role in changed:
        if "--check" in arguments:
            sys.stderr.write(
                f"api/openapi/{role}.json is not what the code says: run scripts/export_openapi\n"
            )
        else:
            _path(role).write_text(render(role), encoding="utf-8")
    return 1 if changed and "--check" in arguments else 0


def _is_stored(role: str) -> bool:
    return _path(role).exists() and _path(role).read_text(encoding="utf-8") == render(role)


def _path(role: str) -> Path:
    return FOLDER / f"{role}.json"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
