"""The columns of a leaf: what its statement says, and for acts and links what their certificate says.

Only what stands in statements is shown, which hold codes and no personal members. What cannot be read has no
effect, and leaves its columns empty.

>>> make_row(7, leaf, signed.statement, divisions, issued).number
'JY2026-000001'
"""

from collections.abc import Mapping
from typing import Any

from ledger.core.act import Act
from ledger.core.act_content import ActContent, parse_act_content
from ledger.core.authority import CompromiseContent, InstitutionContent, KeyContent
from ledger.core.calendar_rules import days_from_date
from ledger.core.encoding import encode_hex
from ledger.core.entry import LeafHeader
from ledger.core.errors import InputError
from ledger.core.ids import InstrumentId
from ledger.core.instrument import StatementSerial, compute_statement_serial
from ledger.core.link import SameAs, Split
from ledger.core.lot import LotContent
from ledger.core.pledge import PledgeContent
from ledger.core.register_content import parse_content
from ledger.core.registration import InstrumentContent
from ledger.core.scope import ScopeContent
from ledger.core.site import SiteContent
from ledger.core.statement import ActClaims, IssueClaims, RegisterClaims, Statement
from ledger.core.status import Status
from ledger.core.sticker import RollContent
from ledger.core.sticker_use import StickerBinding, StickerRelease
from ledger.store.catalogue_queries import CatalogueEntry


def make_row(
    index: int,
    header: LeafHeader,
    statement: Statement,
    divisions: Mapping[str, str],
    issued: CatalogueEntry | None,
) -> CatalogueEntry:
    """Return the row of a leaf.

    Args:
        index: of the leaf.
        header: says whether the statement has taken effect.
        statement: of the leaf.
        divisions: of every institution.
        issued: row of the certificate that an act or a link with effect names; None: it names none.
    """
    common: dict[str, Any] = {
        "leaf_index": index,
        "event": int(header.type),
        "is_void": int(header.status == Status.VOID),
        "sequenced_at_ms": header.sequenced_at_ms,
        "speaker": statement.issuer,
        "statement_digest": header.statement_digest,
    }
    match statement.claims:
        case IssueClaims() as claims:
            document = None if common["is_void"] else index
            members = _list_issue(statement.issuer, claims, divisions)
            return CatalogueEntry(**common, document=document, **members)
        case ActClaims() as claims:
            said = _list_content(statement, claims, divisions)
            if issued is None:
                return CatalogueEntry(**common, document=None, **said)
            return issued._replace(**common, **said)
        case RegisterClaims() as claims:
            return CatalogueEntry(**common, document=None, **_list_register(statement, claims, divisions))


def describe_serial(serial: StatementSerial) -> str:
    """Return a serial number as its statement has it: a cut one ends in `~` and 8 digits of its hash."""
    return serial.text if serial.tail is None else f"{serial.text}~{serial.tail.hex()}"


def _list_issue(issuer: str, claims: IssueClaims, divisions: Mapping[str, str]) -> dict[str, Any]:
    until = claims.valid_until
    return {
        "institution": issuer,
        "division": divisions.get(issuer),
        "number": claims.number,
        "instrument": claims.instrument_id,
        "part": claims.part,
        "serial": describe_serial(claims.serial),
        "category": int(claims.category),
        "conclusion": None if claims.conclusion is None else int(claims.conclusion),
        "verified_on": days_from_date(claims.verified_on),
        "valid_until": None if until is None else days_from_date(until),
        "validity_kind": int(claims.validity_kind),
        "lot": claims.lot,
        "replaces": claims.predecessor,
        "certificate_digest": claims.certificate_digest,
        "document_kind": int(claims.kind) or None,
    }


def _list_content(statement: Statement, claims: ActClaims, divisions: Mapping[str, str]) -> dict[str, Any]:
    try:
        content = parse_act_content(statement.type, claims.content)
    except InputError:
        return {}
    return _list_named(content, divisions) | _list_used(statement.issuer, content, divisions)


def _list_named(content: ActContent, divisions: Mapping[str, str]) -> dict[str, Any]:
    match content:
        case Act():
            return {
                "reason": content.reason.value,
                "institution": content.issuer,
                "number": content.number,
                "instrument": content.instrument_id,
                "part": content.part,
                "supplement_digest": content.document,
            }
        case LotContent():
            return {
                "reason": content.reason.value,
                "institution": content.issuer,
                "division": divisions.get(content.issuer),
                "lot": content.number,
                "lot_status": content.status.name,
            }
        case SameAs():
            other = _describe_instrument(content.other.instrument_id, content.other.part)
            return _list_instrument(content) | {"other_instruments": other}
        case Split():
            others = (_describe_instrument(item, content.instrument.part) for item in content.into)
            return _list_instrument(content) | {"other_instruments": " ".join(others)}
        case _:
            return {}


def _list_used(issuer: str, content: ActContent, divisions: Mapping[str, str]) -> dict[str, Any]:
    """Return the columns of a registration of an instrument, or of what is said of a sticker or a site."""
    said: dict[str, Any] = {"institution": issuer, "division": divisions.get(issuer)}
    match content:
        case InstrumentContent():
            serial = describe_serial(compute_statement_serial(content.serial))
            said |= {"instrument": content.id, "serial": serial, "category": int(content.category)}
            others = " ".join(encode_hex(answer.other) for answer in content.answers)
            return said | ({"other_instruments": others} if others else {})
        case StickerBinding():
            return said | _list_binding(content)
        case StickerRelease():
            return said | _list_binding(content.binding) | {"reason": content.reason.value}
        case SiteContent():
            return said | {"division": content.division}
        case PledgeContent():
            return said
        case _:
            return {}


def _list_binding(binding: StickerBinding) -> dict[str, Any]:
    return {"instrument": binding.instrument_id, "part": binding.part, "sticker": binding.sticker}


def _list_instrument(content: SameAs | Split) -> dict[str, Any]:
    named = content.instrument
    return {
        "reason": content.reason.value,
        "institution": named.issuer,
        "number": named.number,
        "instrument": named.instrument_id,
        "part": named.part,
    }


def _describe_instrument(instrument_id: InstrumentId, part: str | None) -> str:
    return encode_hex(instrument_id) if part is None else f"{encode_hex(instrument_id)}/{part}"


def _list_register(
    statement: Statement, claims: RegisterClaims, divisions: Mapping[str, str]
) -> dict[str, Any]:
    try:
        content = parse_content(statement.type, claims.content)
    except InputError:
        return {}
    match content:
        case InstitutionContent():
            return {"institution": content.id, "division": content.division}
        case KeyContent() | CompromiseContent() | ScopeContent() | RollContent():
            return {"institution": content.institution, "division": divisions.get(content.institution)}
        case _:
            return {}
