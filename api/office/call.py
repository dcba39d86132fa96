"""One request, as an operation sees it: who asks, for which institution, in which language, with what.

>>> call.form.text("name", most=40)
'lin'
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.negotiation import Language, Tongue
from api.office.accounts import Caller
from api.office.operations import Operation
from api.office.passwords import PasswordHasher
from api.office.region_documents import RegionCatalogue
from api.office.roles import TenantKind
from api.office.secret_box import SecretBox
from api.office.sessions import make_form_token
from api.office.site import Site
from api.office.store import NOT_HERE, OfficeStore
from api.office.tenants import AuthorityTenant, Tenant, Tenants
from issuer.signoff.office import OfficeLog
from ledger.core.canonical import JsonObject, as_object, parse_json
from ledger.core.encoding import parse_date
from ledger.core.errors import InputError, MalformedDocumentError, NotFoundError

FORM_TOKEN: Final = "form_token"  # noqa: S105 -- the name of a field
"""Name of the field in which every form of somebody logged in carries its token."""

SEE_OTHER: Final = 303


@dataclass(frozen=True, slots=True)
class Office:
    """What an office is made of."""

    store: OfficeStore
    tenants: Tenants
    gateway: OfficeLog
    """The ledger; safe to share between threads."""
    site: Site
    hasher: PasswordHasher
    box: SecretBox
    clock: Callable[[], datetime]
    """Returns the time, aware UTC."""
    randomness: Callable[[int], bytes]
    development: bool
    catalogue: RegionCatalogue | None = None
    """Whom authorities ask for documents of their region; None: nobody."""
    upload_days: int = 30
    """How many days a file of an import is kept since something has happened to it."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a form."""

    name: str
    """As the browser says; only its ending is ever used."""
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, or of an address."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    files: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str, *, most: int = 200) -> str:
        """Return a field that stands there once, "" where it is absent.

        Raises:
            InputError: given twice, longer than `most` characters, or with control characters.
        """
        found = self.values.get(name, ())
        if not found:
            return ""
        if len(found) > 1:
            raise InputError("is given twice", field=name, zh="重复填写")
        if len(found[0]) > most:
            raise InputError(f"at most {most} characters", field=name, zh=f"不超过{most}个字符")
        if any(ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 for letter in found[0]):
            raise InputError("has characters that cannot be printed", field=name, zh="含有无法显示的字符")
        return found[0]

    def need(self, name: str, *, most: int = 200) -> str:
        """Return a field that must be filled in, without spaces around it.

        Raises:
            InputError: it is empty, or as for `text`.
        """
        found = self.text(name, most=most).strip()
        if not found:
            raise InputError("must be filled in", field=name, zh="必须填写")
        return found

    def texts(self, name: str, *, most: int = 20) -> list[str]:
        """Return a field that may stand there several times, as boxes that are ticked do.

        Raises:
            InputError: more than `most`.
        """
        found = list(self.values.get(name, ()))
        if len(found) > most:
            raise InputError(f"is given more than {most} times", field=name, zh=f"填写次数超过{most}次")
        return found

    def day(self, name: str, default: date) -> date:
        """Return a day, `2026-11-02`.

        Raises:
            InputError: no such day.
        """
        text = self.text(name, most=20).strip()
        if not text:
            return default
        try:
            return parse_date(text)
        except InputError:
            raise InputError("is no day, as 2026-11-02", field=name, zh="不是日期，应如 2026-11-02") from None

    def whole(self, name: str, default: int, *, least: int, most: int) -> int:
        """Return a whole number.

        Raises:
            InputError: none, or out of range.
        """
        text = self.text(name, most=12).strip()
        if not text:
            return default
        if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
            raise InputError(
                f"is a whole number from {least} to {most}", field=name, zh=f"应为{least}至{most}的整数"
            )
        return int(text)

    def file(self, name: str) -> Upload | None:
        """Return a file, None where none was chosen."""
        return self.files.get(name)


@dataclass(frozen=True, slots=True)
class Call:
    """One request that may be answered: its caller holds a role that the operation names."""

    request: Request
    operation: Operation
    office: Office
    caller: Caller | None
    """None where nobody need be known, and nobody is."""
    form: Form
    """Fields of the body, or of the address where there is no body."""
    body: bytes = field(repr=False)
    tongue: Tongue
    now: datetime

    @property
    def language(self) -> Language:
        """Return the language of the page."""
        return self.tongue.language

    @property
    def known(self) -> Caller:
        """Return the caller of an operation that is for known ones only."""
        assert self.caller is not None  # noqa: S101 -- the operation names roles, so somebody is known
        return self.caller

    @property
    def tenant(self) -> Tenant:
        """Return the caller's institution; no other one is ever answered for.

        Raises:
            NotFoundError: the caller is an authority's; there is nothing of the kind at its desk.
        """
        found = self.office.tenants[self.known.tenant]
        if not isinstance(found, Tenant):
            raise NotFoundError(NOT_HERE)
        return found

    @property
    def authority(self) -> AuthorityTenant:
        """Return the caller's authority; no other one is ever answered for.

        Raises:
            NotFoundError: the caller is an institution's.
        """
        found = self.office.tenants[self.known.tenant]
        if not isinstance(found, AuthorityTenant):
            raise NotFoundError(NOT_HERE)
        return found

    @property
    def kind(self) -> TenantKind:
        """Return whose desk the caller is at."""
        return self.office.tenants[self.known.tenant].kind

    @property
    def address(self) -> str:
        """Return the network address that the request came from."""
        return self.request.client.host if self.request.client else ""

    @property
    def form_token(self) -> str:
        """Return what forms on the page carry; "" where nobody is logged in."""
        return make_form_token(self.caller.token) if self.caller is not None and self.caller.token else ""

    def part(self, name: str) -> str:
        """Return what stands in the path under a name.

        Raises:
            NotFoundError: it has characters that no name has.
        """
        found = str(self.request.path_params[name])
        if not found.isprintable():
            raise NotFoundError(NOT_HERE)
        return found

    def read_json(self, *, max_bytes: int = 1 << 20) -> JsonObject:
        """Return the JSON object that came as body.

        Raises:
            InputError: not one.
        """
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise MalformedDocumentError("is application/json", field="Content-Type")
        return as_object(parse_json(self.body, max_bytes=max_bytes))

    def go(self, path: str) -> Response:
        """Send a browser to another page after it has changed something."""
        return RedirectResponse(path, SEE_OTHER)
