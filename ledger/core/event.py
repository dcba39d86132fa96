"""Every kind of event that the ledger can hold, and every kind of thing an event can be about.

The numbers are printed, signed and logged: a code, once given, is never given to anything else. Types whose
effect is not defined yet have their code here, and `parse_signed_statement` refuses them until it is.

>>> compute_subject(SubjectKind.INSTITUTION, b"350100-01").hex()[:16]
'efe4097bcb38737b'
"""

import hashlib
from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from ledger.core.constants import SUBJECT_DOMAIN
from ledger.core.ids import CertificateNumber, Digest, InstitutionId, InstrumentId, Subject


class EventType(IntEnum):
    """What a statement does. 1 to 31: documents, instruments, stickers; 32 to 63: registers; 255: the log's own."""

    ISSUE = 1
    SUPPLEMENT = 2
    REPLACE = 3
    CANCEL = 4
    WITHDRAW = 5
    SUSPEND = 6
    REINSTATE = 7
    REVERIFY_NEEDED = 8
    OPENED_FOR_REPAIR = 9
    LOT = 10
    INSTRUMENT = 11
    STICKER_BOUND = 12
    STICKER_UNBOUND = 13
    PLEDGE = 14
    REPORT_TAKEN = 15
    SITE = 16
    ROOT = 32
    DELEGATE = 33
    POLICY = 34
    INSTITUTION = 35
    KEY = 36
    KEY_COMPROMISED_FROM = 37
    SCOPE = 38
    PERSON = 39
    STANDARD = 40
    REFERENCE_MATERIAL = 41
    REGULATION = 42
    TYPE_APPROVAL = 43
    INSTRUMENT_SAME_AS = 45
    INSTRUMENT_SPLIT = 46
    STICKER_ALLOTTED = 47
    BLOCK = 50
    MAPHEAD = 255


class SubjectKind(IntEnum):
    """What a subject is; one byte of the subject's preimage."""

    UNREADABLE = 0
    """A register event whose content cannot be read; its identity is that content."""
    ROOT = 1
    AUTHORITY = 2
    POLICY = 3
    INSTITUTION = 4
    KEY = 5
    SCOPE = 6
    PERSON = 7
    STANDARD = 8
    REFERENCE_MATERIAL = 9
    REGULATION = 10
    TYPE_APPROVAL = 11
    INSTRUMENT = 12
    PART = 13
    CERTIFICATE = 14
    LOT = 15
    STICKER = 16
    STATUS_MAP = 17
    """The status map itself, which MAPHEAD leaves are about."""
    BLOCK = 18
    MAKER = 19
    """What authorities have said of all that a maker has made: blocks touch it."""
    REGISTRATION = 20
    """What is registered of an instrument; apart from what documents say of it."""
    ROLL = 21
    """A roll of stickers."""
    PLACEMENT = 22
    """The place for a sticker on an instrument, or on a part of one."""
    PLEDGE = 23
    """What an owner promises of all its sites, or of one."""
    REPORT = 24
    """What a consumer has reported, by the digest of its file."""
    SITE = 25
    """A place of business where instruments are used."""


ISSUE_TYPES: Final = frozenset({EventType.ISSUE, EventType.REPLACE})
"""What brings a document into the log."""

ACT_TYPES: Final = frozenset(
    {
        EventType.SUPPLEMENT,
        EventType.CANCEL,
        EventType.WITHDRAW,
        EventType.SUSPEND,
        EventType.REINSTATE,
        EventType.REVERIFY_NEEDED,
        EventType.OPENED_FOR_REPAIR,
    }
)
"""What may happen to a document or its instrument after the issue, see `core.act`."""

LINK_TYPES: Final = frozenset({EventType.INSTRUMENT_SAME_AS, EventType.INSTRUMENT_SPLIT})
"""What is said of the identity of instruments, see `core.link`."""

STICKER_TYPES: Final = frozenset({EventType.STICKER_BOUND, EventType.STICKER_UNBOUND})
"""What is said of one sticker, see `core.sticker_use`."""

SITE_TYPES: Final = frozenset({EventType.SITE, EventType.PLEDGE})
"""What is said of places where instruments are used, see `core.site` and `core.pledge`."""

CONTENT_TYPES: Final = (
    ACT_TYPES
    | LINK_TYPES
    | STICKER_TYPES
    | SITE_TYPES
    | {EventType.LOT, EventType.INSTRUMENT, EventType.REPORT_TAKEN}
)
"""What carries a content, and no endorsements: it is signed by one key alone."""

DEFINED_TYPES: Final = (
    ISSUE_TYPES
    | CONTENT_TYPES
    | {
        EventType.ROOT,
        EventType.DELEGATE,
        EventType.POLICY,
        EventType.INSTITUTION,
        EventType.KEY,
        EventType.KEY_COMPROMISED_FROM,
        EventType.SCOPE,
        EventType.PERSON,
        EventType.STANDARD,
        EventType.REFERENCE_MATERIAL,
        EventType.REGULATION,
        EventType.TYPE_APPROVAL,
        EventType.BLOCK,
        EventType.STICKER_ALLOTTED,
    }
)
"""The types whose content and effect this version defines."""


def compute_subject(kind: SubjectKind, identity: bytes) -> Subject:
    """Return the 32 bytes under which the ledger knows a thing.

    Args:
        kind: what it is.
        identity: its identity within that kind; see the `..._subject` functions below.
    """
    return Subject(hashlib.sha256(SUBJECT_DOMAIN + bytes([kind]) + identity).digest())


def instrument_subject(instrument_id: InstrumentId, part: str | None = None) -> Subject:
    """Return the subject of an instrument, or of one of its parts (nozzle, lane, phase)."""
    if part is None:
        return compute_subject(SubjectKind.INSTRUMENT, instrument_id)
    return compute_subject(SubjectKind.PART, instrument_id + part.encode())


def list_relatives(
    instrument_id: InstrumentId, part: str | None, parts: Iterable[str]
) -> tuple[tuple[str | None, Subject], ...]:
    """Return whose states bear on an instrument beside its own: of the whole, its parts; of a part, the whole.

    Args:
        instrument_id: 16 bytes.
        part: that a document is about; None: about the whole instrument.
        parts: that the document names.

    Returns:
        Pairs of the part's id, None for the whole, and its subject.
    """
    if part is not None:
        return ((None, instrument_subject(instrument_id)),)
    return tuple((each, instrument_subject(instrument_id, each)) for each in parts)


def registration_subject(instrument_id: InstrumentId) -> Subject:
    """Return the subject of what is registered of an instrument."""
    return compute_subject(SubjectKind.REGISTRATION, instrument_id)


def placement_subject(instrument_id: InstrumentId, part: str | None = None) -> Subject:
    """Return the subject of the place for a sticker on an instrument, or on one of its parts."""
    return compute_subject(SubjectKind.PLACEMENT, instrument_id + (part or "").encode())


def roll_subject(roll: str) -> Subject:
    """Return the subject of a roll of stickers, by its 7 symbols."""
    return compute_subject(SubjectKind.ROLL, roll.encode())


def sticker_subject(sticker: str) -> Subject:
    """Return the subject of a sticker, by its 16 symbols."""
    return compute_subject(SubjectKind.STICKER, sticker.encode())


def report_subject(digest: Digest) -> Subject:
    """Return the subject of what a consumer has reported, by the digest of its file, see `core.report`."""
    return compute_subject(SubjectKind.REPORT, digest)


def site_subject(keeper: InstitutionId, site_id: str) -> Subject:
    """Return the subject of a site: the id that whoever keeps its entry has given it."""
    return compute_subject(SubjectKind.SITE, _name_site(keeper, site_id))


def pledge_subject(owner: InstitutionId, site: tuple[InstitutionId, str] | None = None) -> Subject:
    """Return the subject of what an owner promises: of one site, by its keeper and id, or of all its sites."""
    of_site = b"" if site is None else b"\x00" + _name_site(*site)
    return compute_subject(SubjectKind.PLEDGE, owner.encode() + of_site)


def _name_site(keeper: InstitutionId, site_id: str) -> bytes:
    return keeper.encode() + b"\x00" + site_id.encode()


def certificate_subject(issuer: InstitutionId, number: CertificateNumber) -> Subject:
    """Return the subject of a certificate: its identity is issuer and number, never its digest."""
    return compute_subject(SubjectKind.CERTIFICATE, issuer.encode() + b"\x00" + number.encode())


def lot_subject(issuer: InstitutionId, number: str) -> Subject:
    """Return the subject of a lot: an institution's own number for instruments that are judged together."""
    return compute_subject(SubjectKind.LOT, issuer.encode() + b"\x00" + number.encode())


def scope_subject(institution: InstitutionId, scope_id: str) -> Subject:
    """Return the subject of one line of an institution's authorisation."""
    return compute_subject(SubjectKind.SCOPE, institution.encode() + b"\x00" + scope_id.encode())


def person_subject(institution: InstitutionId, person_id: str) -> Subject:
    """Return the subject of a person of an institution, by public pseudonym."""
    return compute_subject(SubjectKind.PERSON, institution.encode() + b"\x00" + person_id.encode())


def standard_subject(institution: InstitutionId, standard_id: str) -> Subject:
    """Return the subject of a measurement standard of an institution."""
    return compute_subject(SubjectKind.STANDARD, institution.encode() + b"\x00" + standard_id.encode())


def material_subject(material_id: str, lot: str) -> Subject:
    """Return the subject of a lot of a reference material."""
    return compute_subject(SubjectKind.REFERENCE_MATERIAL, material_id.encode() + b"\x00" + lot.encode())


def regulation_subject(category: str, regulation_id: str) -> Subject:
    """Return the subject of what a regulation says of a category, by the category's code."""
    return compute_subject(SubjectKind.REGULATION, category.encode() + b"\x00" + regulation_id.encode())


def type_approval_subject(number: str) -> Subject:
    """Return the subject of a type approval."""
    return compute_subject(SubjectKind.TYPE_APPROVAL, number.encode())


def maker_subject(maker: str) -> Subject:
    """Return the subject that every block of this maker's instruments touches."""
    return compute_subject(SubjectKind.MAKER, maker.encode())
