"""Passkeys (WebAuthn): keys that a phone, a token or a browser keeps, and that answer to this site alone.

The person is always verified by the device (finger, face, PIN), so that a passkey is two factors at once. What was
asked is remembered by its hash, counts once and for five minutes.

>>> options = ask_for_login(office)
"""

import hashlib
from datetime import timedelta
from typing import Any, Final

import webauthn
from webauthn.helpers import base64url_to_bytes, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from api.office.accounts import Account, Credentials
from api.office.call import Office
from api.office.store import OfficeWriting, Passkey
from ledger.core.errors import InputError
from ledger.core.step import Sentence

CHALLENGE_BYTES: Final = 32
ASKED_FOR: Final = timedelta(minutes=5)
MAX_PASSKEYS: Final = 10
SITE_NAME: Final = Sentence("Hengzheng office", "衡证 · 检定机构")
_REQUIRED: Final = UserVerificationRequirement.REQUIRED
_ERRORS: Final = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError)
"""What the library raises on what it cannot read."""


def ask_for_registration(office: Office, account: Account) -> str:
    """Return what a browser needs to make a passkey for an account, as JSON."""
    with office.store.write() as writing:
        known = writing.list_passkeys(account.id)
        if len(known) >= MAX_PASSKEYS:
            raise InputError(
                f"an account has at most {MAX_PASSKEYS}", field="passkey", zh=f"每个账户最多{MAX_PASSKEYS}个"
            )
        challenge = _ask(office, writing, account.id)
    options = webauthn.generate_registration_options(
        rp_id=office.site.host,
        rp_name=SITE_NAME.zh,
        user_id=account.id.encode(),
        user_name=account.name,
        user_display_name=account.display,
        challenge=challenge,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one.credential) for one in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_REQUIRED
        ),
    )
    return webauthn.options_to_json(options)


def register(office: Office, account: Account, answer: dict[str, Any], label: str) -> None:
    """Store a passkey that a browser has made.

    Raises:
        InputError: not the answer to what was asked, or not of this site.
        AlreadyIssuedError: it is registered already.
    """
    now = office.clock()
    with office.store.write() as writing:
        challenge = _take_challenge(office, writing, answer, account.id)
        try:
            made = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=office.site.host,
                expected_origin=sorted(office.site.origins),
                require_user_verification=True,
            )
        except _ERRORS:
            raise InputError(
                "is not an answer to what was asked here", field="passkey", zh="与本系统的请求不符"
            ) from None
        passkey = Passkey(
            made.credential_id, account.id, made.credential_public_key, made.sign_count, label, now, None
        )
        writing.add_passkey(passkey)


def ask_for_login(office: Office) -> str:
    """Return what a browser needs to log in with a passkey, as JSON."""
    with office.store.write() as writing:
        challenge = _ask(office, writing, None)
    options = webauthn.generate_authentication_options(
        rp_id=office.site.host, challenge=challenge, user_verification=_REQUIRED
    )
    return webauthn.options_to_json(options)


def find_owner(office: Office, writing: OfficeWriting, answer: dict[str, Any]) -> Credentials | None:
    """Return whose passkey has answered; None: nobody's who may log in, or the answer does not hold."""
    try:
        challenge = _take_challenge(office, writing, answer, None)
        passkey = writing.find_passkey(base64url_to_bytes(answer["id"]))
        if passkey is None:
            return None
        checked = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=office.site.host,
            expected_origin=sorted(office.site.origins),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (InputError, *_ERRORS):
        return None
    writing.use_passkey(passkey.credential, checked.new_sign_count, office.clock())
    found = writing.fetch_credentials(passkey.account)
    return found if found.account.is_active and not found.account.is_enrolling else None


def _ask(office: Office, writing: OfficeWriting, account: str | None) -> bytes:
    challenge, now = office.randomness(CHALLENGE_BYTES), office.clock()
    writing.add_challenge(hashlib.sha256(challenge).digest(), account, now + ASKED_FOR, now)
    return challenge


def _take_challenge(
    office: Office, writing: OfficeWriting, answer: dict[str, Any], account: str | None
) -> bytes:
    """Return the challenge that an answer names, if it was given out here and not used since.

    Raises:
        InputError: it was not.
    """
    try:
        data = parse_client_data_json(base64url_to_bytes(answer["response"]["clientDataJSON"]))
    except _ERRORS:
        raise InputError("cannot be read", field="passkey", zh="无法读取") from None
    if not writing.take_challenge(hashlib.sha256(data.challenge).digest(), account, office.clock()):
        raise InputError(
            "answers what was not asked, or too late", field="passkey", zh="不是本系统发出的请求，或已超时"
        )
    return data.challenge
