"""What a device asks for: its page and files, the rounds, and the one way by which findings come back.

The page and its files are the same for everybody and hold nothing of an institution; a service worker keeps them.
Everything else needs the log-in of an operator, and is never kept by the browser: the page encrypts what it keeps.
"""

import hashlib
from functools import lru_cache
from http import HTTPStatus
from typing import Final

import orjson
from starlette.responses import Response

from api.office.call import Call
from api.office.enrolment import make_id
from api.office.operations import EVERYBODY, Operation
from api.office.pages import HEADERS, read_static
from api.office.routes.machines import answer_json
from api.office.routes.rounds import OPERATORS, SHOWN
from api.office.signing_desk import SigningDesk
from api.office.store import NOT_HERE
from issuer.rounds.content import parse_round
from issuer.rounds.finding import encode_device_claim, parse_device_key
from issuer.rounds.receiving import Receiver, Sent, Taken
from issuer.rounds.remarks import describe_faults
from issuer.rounds.store import Device
from issuer.signoff.office import to_ms
from ledger.core.canonical import JsonObject
from ledger.core.encoding import encode_hex
from ledger.core.errors import BrokenSignatureError, InputError, NotFoundError, StateError
from ledger.core.fields import Reader
from ledger.core.signature import SIGNATURE_SIZE, verify_signature
from ledger.core.step import Sentence

MAX_BODY_BYTES: Final = 1 << 20
MAX_SENT: Final = 50
"""Findings of one request; a device sends the rest in the next."""
MAX_DEVICES: Final = 20
"""Active devices of one person."""
_FILES: Final = {
    "app.js": "text/javascript",
    "canonical.js": "text/javascript",
    "decimal.js": "text/javascript",
    "device.js": "text/javascript",
    "item_view.js": "text/javascript",
    "judge.js": "text/javascript",
    "office.js": "text/javascript",
    "sticker.js": "text/javascript",
    "vault.js": "text/javascript",
    "views.js": "text/javascript",
    "words.js": "text/javascript",
    "work.js": "text/javascript",
    "round.css": "text/css",
    "icon.svg": "image/svg+xml",
    "manifest.json": "application/manifest+json",
}
"""What the page is made of: name below `api/web/static/round` -> media type."""
_PAGE: Final = "index.html"
_WORKER: Final = "worker.js"
_CSP: Final = "; ".join(
    (
        HEADERS["Content-Security-Policy"],
        "manifest-src 'self'",
        "worker-src 'self'",
        "require-trusted-types-for 'script'",
        "trusted-types hengzheng-round",
    )
)


def give_page(_: Call) -> Response:
    """Give out the page; a service worker keeps it."""
    return _give(_PAGE, "text/html; charset=utf-8")


def give_file(call: Call) -> Response:
    """Give out a file of the page.

    Raises:
        NotFoundError: the page has none of this name.
    """
    name = call.part("name")
    if name == _WORKER:
        return _answer(write_worker(), "text/javascript")
    if name not in _FILES:
        raise NotFoundError(NOT_HERE)
    return _give(name, _FILES[name])


def _give(name: str, media_type: str) -> Response:
    raw = read_static(f"round/{name}")
    if raw is None:
        raise NotFoundError(NOT_HERE)
    return _answer(raw, media_type)


def _answer(raw: bytes, media_type: str) -> Response:
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": _CSP}
    return Response(raw, headers=headers, media_type=media_type)


@lru_cache
def write_worker() -> bytes:
    """Return the service worker with what it keeps: another version of any file is another worker."""
    names = [_PAGE, *_FILES]
    raws = [read_static(f"round/{name}") or b"" for name in names]
    version = hashlib.sha256(b"".join(hashlib.sha256(raw).digest() for raw in raws)).hexdigest()[:16]
    kept = ["/round/", *(f"/round/{name}" for name in _FILES)]
    head = (
        f"const VERSION = {orjson.dumps(version).decode()};\nconst FILES = {orjson.dumps(kept).decode()};\n"
    )
    return head.encode() + (read_static(f"round/{_WORKER}") or b"")


# --- who one is, and which device ---------------------------------------------------------------------------


def show_session(call: Call) -> Response:
    """Say to the page who is logged in, and what its requests carry."""
    return answer_json(
        {
            "person": SigningDesk(call).person,
            "institution": str(call.tenant.id),
            "form_token": call.form_token,
            "now": int(call.now.timestamp() * 1000),
        }
    )


def add_device(call: Call) -> Response:
    """Register a device of the caller; the same key again is the same device.

    Raises:
        InputError: no P-256 key, or it did not sign its own registration.
        StateError: it is somebody else's, was revoked, or the caller has too many.
    """
    reader = Reader(call.read_json(), "")
    label = reader.text("label", max_bytes=80)
    key, signature = parse_device_key(reader.hex("key", 33)), reader.base64("signature", size=SIGNATURE_SIZE)
    reader.finish()
    person = SigningDesk(call).person
    try:
        verify_signature(key, signature, encode_device_claim(label, key, person, call.tenant.id))
    except BrokenSignatureError as err:
        raise InputError(str(err), field="signature", zh="与该密钥的签名不符") from None
    device = Device(make_id(call.office, "d"), person, label, key.multikey, to_ms(call.now))
    with call.tenant.busy, call.tenant.rounds.write() as writing:
        known = writing.find_key(device.key)
        if known is None:
            _require_room(writing.list_devices(), person)
            writing.add_device(device)
    if known is not None and (known.person != person or not known.is_active):
        raise StateError(
            "this key was registered before, and is not taken again", zh="该密钥已登记过，不能再次使用"
        )
    if known is None:
        _note(call, device)
    return answer_json({"device": (known or device).id, "label": label}, HTTPStatus.CREATED)


def _require_room(devices: list[Device], person: str) -> None:
    if sum(one.person == person and one.is_active for one in devices) >= MAX_DEVICES:
        message = f"you have {MAX_DEVICES} devices; have one revoked first"
        raise StateError(message, zh=f"您已登记{MAX_DEVICES}台设备，请先停用其中之一")


def _note(call: Call, device: Device) -> None:
    with call.office.store.write() as office:
        office.note(
            "device-added",
            call.now,
            tenant=call.tenant.id,
            account=call.known.id,
            name=device.label,
            address=call.address,
            detail=device.id,
        )


# --- rounds -------------------------------------------------------------------------------------------------


def list_rounds(call: Call) -> Response:
    """List the newest rounds of the institution."""
    with call.tenant.rounds.read() as reading:
        stored = reading.list_rounds(limit=SHOWN)
    rounds = [parse_round(one.content) for one in stored]
    return answer_json(
        {
            "rounds": [
                {"id": one.id, "title": one.title, "day": one.day.isoformat(), "items": len(one.items)}
                for one in rounds
            ]
        }
    )


def give_round(call: Call) -> Response:
    """Give a round out as it was prepared, byte for byte."""
    with call.tenant.rounds.read() as reading:
        stored = reading.fetch_round(call.part("round"))
    return Response(stored.content, media_type="application/json")


def take_findings(call: Call) -> Response:
    """Take what a device brings back; the same again changes nothing and is answered alike.

    Raises:
        NotFoundError: there is no such round in the caller's institution.
        InputError: not such a request.
    """
    with call.tenant.rounds.read() as reading:
        round_ = reading.fetch_round(call.part("round")).id
    reader = Reader(call.read_json(max_bytes=MAX_BODY_BYTES), "")
    sent_at = reader.instant("sent_at")
    sent = [_read_sent(one) for one in reader.objects("findings", least=1, most=MAX_SENT)]
    reader.finish()
    signing = SigningDesk(call)
    with signing.alone():
        receiver = Receiver(call.tenant.rounds, signing.writer, signing.person, call.now)
        taken = receiver.take(round_, sent, sent_at)
    results = [
        {"digest": encode_hex(hashlib.sha256(one.raw).digest()), **describe_taken(became)}
        for one, became in zip(sent, taken, strict=True)
    ]
    return answer_json({"round": round_, "findings": results})


def _read_sent(reader: Reader) -> Sent:
    raw = reader.base64("finding")
    sent = Sent(raw, reader.base64("signature", size=SIGNATURE_SIZE))
    reader.finish()
    return sent


def describe_taken(taken: Taken) -> JsonObject:
    """Return what became of a finding, for the device."""
    members: JsonObject = {
        "item": taken.item,
        "revision": taken.revision,
        "state": taken.state,
        "reasons": describe_faults(taken.reasons),
        "flags": describe_faults(taken.flags),
        "conflict": taken.has_rivals,
    }
    return members if taken.draft is None else {**members, "draft": taken.draft}


_APP: Final = Sentence("The page of a round", "现场任务页面")

OPERATIONS: Final = (
    Operation("round.page", "GET", "/round/", give_page, EVERYBODY, _APP),
    Operation("round.file", "GET", "/round/{name}", give_file, EVERYBODY, _APP),
    Operation(
        "round.session", "GET", "/api/round/session", show_session, OPERATORS,
        Sentence("Who is logged in at the page of a round", "现场任务页面的登录人"), is_api=True,
    ),
    Operation(
        "devices.add", "POST", "/api/devices", add_device, OPERATORS,
        Sentence("Register a device", "登记现场设备"), is_api=True, signs=True,
    ),
    Operation(
        "rounds.api-list", "GET", "/api/rounds", list_rounds, OPERATORS,
        Sentence("List rounds", "列出任务单"), is_api=True,
    ),
    Operation(
        "rounds.download", "GET", "/api/rounds/{round}", give_round, OPERATORS,
        Sentence("Download a round", "下载任务单"), resource="round", is_api=True,
    ),
    Operation(
        "rounds.findings", "POST", "/api/rounds/{round}/findings", take_findings, OPERATORS,
        Sentence("Bring findings back", "上传现场记录"), resource="round", is_api=True, signs=True,
    ),
)  # fmt: skip
