"""Personal members in a DCC: values in the holder's copy, a sentence in everybody's.

>>> read_personal(certificate, None).values
{}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from issuer.personal import MAX_TEXT_BYTES, parse_party
from issuer.rendering.dcc_words import NOT_DISCLOSED, NOT_STATED
from issuer.rendering.dcc_xml import Element, Words, dcc, text
from ledger.core.canonical import JsonValue
from ledger.core.certificate import Certificate
from ledger.core.disclosure import Disclosure, verify_disclosure
from ledger.core.errors import VerificationError
from ledger.core.fields import Reader

_COUNTRY: Final = "CN"


@dataclass(frozen=True, slots=True)
class Personal:
    """Disclosed values by path, as `persons.0.name`; each is what the certificate commits to."""

    values: Mapping[str, JsonValue]

    def find_text(self, path: str) -> str | None:
        """Return a disclosed text, or None if it is not disclosed.

        Raises:
            InputError: disclosed, but not a text that a record may hold.
        """
        if path not in self.values:
            return None
        parent, _, name = path.rpartition(".")
        return Reader({name: self.values[path]}, parent).text(name, max_bytes=MAX_TEXT_BYTES)

    def find_party(self, path: str) -> tuple[str, str | None] | None:
        """Return name and credit code of an applicant or owner, or None if they are not disclosed.

        Raises:
            InputError: disclosed, but not such a party.
        """
        if path not in self.values:
            return None
        value = parse_party(self.values[path], path).value
        code = value.get("code")
        return str(value["name"]), None if code is None else str(code)


def read_personal(certificate: Certificate, disclosure: Disclosure | None) -> Personal:
    """Return what a disclosure says of a certificate, checked against its commitments.

    Raises:
        VerificationError: of another certificate, or a value is not the committed one.
    """
    if disclosure is None:
        return Personal({})
    if disclosure.certificate_digest != certificate.digest:
        raise VerificationError("the disclosure is of another certificate")
    record = certificate.document["credentialSubject"]
    if isinstance(record, dict):
        verify_disclosure(record, disclosure)
    return Personal({path: member.value for path, member in disclosure.members.items()})


def build_party(name: str, personal: Personal, path: str, *, is_there: bool) -> Element:
    """Return a contact: the party by name, or why it is not named.

    Args:
        name: of the element, `customer` or `owner`.
        personal: what is disclosed.
        path: of the member in the record.
        is_there: whether the record names somebody at all.
    """
    party = personal.find_party(path)
    words: Words = (NOT_DISCLOSED if is_there else NOT_STATED) if party is None else party[0]
    location = dcc("location", dcc("countryCode", _COUNTRY), _say_code(None if party is None else party[1]))
    return dcc(name, text("name", words), location)


def _say_code(code: str | None) -> Element | None:
    """Return the credit code as further information: a contact has no identifications."""
    return None if code is None else text("further", f"统一社会信用代码 {code}")
