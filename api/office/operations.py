"""What an office lets people and machines do: one row for each route, and who may ask for it.

There is no route without its row: `routes` are made from operations and from nothing else, and an application that
holds any other does not start. The authorisation matrix of the README, and the test that walks every cell of it,
are made from the same rows.

>>> Operation("staff.list", "GET", "/staff", list_staff, ADMINISTRATORS, Sentence("Staff", "人员"))
Operation(name='staff.list', ...)
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.routing import BaseRoute

from api.office.roles import PEOPLE, OfficeRole, TenantKind
from ledger.core.errors import StateError
from ledger.core.step import Sentence

if TYPE_CHECKING:
    from api.office.call import Call

SAFE: Final = frozenset({"GET"})
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
INSTITUTIONS: Final = frozenset({TenantKind.INSTITUTION})
AUTHORITIES: Final = frozenset({TenantKind.AUTHORITY})
EVERY_DESK: Final = INSTITUTIONS | AUTHORITIES
EVERYBODY: Final[frozenset[OfficeRole]] = frozenset()
"""Roles of an operation for which nobody need be known."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that an office does when it is asked."""

    name: str
    """Stable: what it is about, a dot, what is done."""
    method: str
    path: str
    """With the names of what it is about in braces, as `/staff/{account}`."""
    answer: "Callable[[Call], Response]"
    roles: frozenset[OfficeRole]
    """Who may; empty: everybody, known or not."""
    title: Sentence
    """What it does, for people."""
    resource: str | None = None
    """Name in braces of a thing that belongs to one institution: another institution's is not found."""
    is_own: bool = False
    """Changes nothing but the caller's own account."""
    signs: bool = False
    """Signs in the name of a person, which no machine does."""
    is_api: bool = False
    """Answers programs: JSON, problems of RFC 9457; else pages."""
    in_menu: bool = False
    desks: frozenset[TenantKind] = INSTITUTIONS
    """Whose desk has it; at another one it is not found."""
    openapi: "dict[str, Any] | None" = None
    """What the description says of body and parameters, for programs."""

    def __post_init__(self) -> None:
        """Refuse what no operation may be.

        Raises:
            StateError: an auditor who changes something, a machine that signs as a person, a thing not in the path.
        """
        if self.method not in _METHODS:
            raise StateError(f"{self.name}: no method {self.method}")
        if not self.is_safe and OfficeRole.AUDITOR in self.roles and not self.is_own:
            raise StateError(f"{self.name}: an auditor changes nothing")
        if self.signs and OfficeRole.MACHINE in self.roles:
            raise StateError(f"{self.name}: a machine never checks, approves or signs as a person")
        if self.resource is not None and f"{{{self.resource}}}" not in self.path:
            raise StateError(f"{self.name}: {self.resource} is not in {self.path}")
        if not self.is_api and OfficeRole.MACHINE in self.roles:
            raise StateError(f"{self.name}: machines read no pages")
        if not self.desks:
            raise StateError(f"{self.name}: no desk has it")

    @property
    def is_safe(self) -> bool:
        """Tell whether it changes nothing."""
        return self.method in SAFE

    @property
    def offered(self) -> frozenset[TenantKind]:
        """Return whose desk has it: each, where it is about the caller alone, or about nobody."""
        return EVERY_DESK if self.is_own or self.is_open else self.desks

    @property
    def is_open(self) -> bool:
        """Tell whether nobody need be known."""
        return not self.roles


def check_operations(operations: Sequence[Operation]) -> None:
    """Refuse two operations of one name, or at one place.

    Raises:
        StateError: there are two.
    """
    for kind, keys in (
        ("name", [operation.name for operation in operations]),
        ("place", [f"{operation.method} {operation.path}" for operation in operations]),
    ):
        doubles = {key for key in keys if keys.count(key) > 1}
        if doubles:
            raise StateError(f"two operations have the {kind} {min(doubles)}")


def require_declared(routes: Iterable[BaseRoute], operations: Sequence[Operation]) -> None:
    """Refuse an application with a route that is no declared operation.

    Raises:
        StateError: there is one; it is named.
    """
    declared = {(operation.method, operation.path) for operation in operations}
    for route in routes:
        path, methods = getattr(route, "path", str(route)), getattr(route, "methods", None) or {"?"}
        for method in methods:
            if (method, path) not in declared:
                raise StateError(f"the route {method} {path} declares no operation, and nobody may start it")


def render_matrix(operations: Sequence[Operation]) -> str:
    """Return the authorisation matrix as a table in Markdown: an operation a row, a role a column.

    *desk* is whose; at another one an operation is not found, 404. `●` may; `–` is refused, 403; `∗` may, of the
    own account only. Whoever is not known may ask for rows that say *everybody*, and is answered with 401 by all
    others.
    """
    columns = [*(role for role in OfficeRole if role in PEOPLE), OfficeRole.MACHINE]
    head = ["operation", "route", "desk", "foreign id", *(role.value for role in columns)]
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(' --- ' for _ in head)}|"]
    for operation in sorted(operations, key=lambda one: one.name):
        cells = [_cell(operation, role) for role in columns]
        foreign = "404" if operation.resource else "–"
        route = f"`{operation.method} {operation.path}`"
        desk = "each" if operation.offered == EVERY_DESK else ", ".join(sorted(operation.offered))
        lines.append(f"| {' | '.join([operation.name, route, desk, foreign, *cells])} |")
    return "\n".join(lines)


def _cell(operation: Operation, role: OfficeRole) -> str:
    if operation.is_open:
        return "everybody"
    if role not in operation.roles:
        return "–"
    return "∗" if operation.is_own else "●"
