"""A finding: what was seen and read at one instrument, signed by the device on which it was written down.

    {"v": 1, "round": "r-…", "round_digest": "…", "device": "d-…", "item": "3", "revision": 1,
     "made_at": "2026-11-03T02:10:00Z", "verified_on": "2026-11-03", "nameplate": "agrees",
     "seals_before": "intact", "adjusted": false, "standards": ["350100-17"],
     "temperature"?: "22.4", "humidity"?: "60", "results": [as input documents write them, "flow"? besides],
     "conclusion": "pass", "seals": [{"no": "A1", "point": "…"}],
     "stickers": [{"id": "7KQ2M9X001RCCF83", "part"?: "1"}], "note"?: "…"}

Signed is `FINDING_DOMAIN` and these bytes, in the canonical JSON profile, by a P-256 key that never leaves its
device. A later revision of the same item by the same device takes the place of the earlier one; both are kept.
The document names these bytes by their hash as its raw record (原始记录): what it does not say itself, as the flow
of a series, is said there.

>>> verify_finding(finding, device_key)
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from issuer.rounds.content import ID_PATTERN, ITEM_PATTERN, Round, RoundItem
from issuer.rounds.judging import Place, Series, compute_results, find_conclusion, find_unrepeated
from ledger.core.canonical import JsonObject, as_object, encode_canonical_json, parse_canonical_json
from ledger.core.encoding import encode_decimal, encode_hex
from ledger.core.errors import InputError, MalformedDocumentError, Reason
from ledger.core.fields import Reader
from ledger.core.limit import LimitedItem
from ledger.core.qr import format_code
from ledger.core.signature import Algorithm, PublicKey, verify_signature
from ledger.core.sticker import StickerId, parse_sticker_id

FINDING_DOMAIN: Final = b"hengzheng/round-finding/v1\x00"
DEVICE_DOMAIN: Final = b"hengzheng/round-device/v1\x00"
"""Before what a device signs when it is registered: label, key, person and institution."""
MAX_FINDING_BYTES: Final = 64 * 1024
MAX_REVISION: Final = 10_000
MAX_STICKERS: Final = 40
"""Stickers of one finding."""
_TEMPERATURE: Final = "°C"
_HUMIDITY: Final = "%RH"


@dataclass(frozen=True, slots=True)
class PutOn:
    """A sticker that was put on an instrument, by the word of who put it there."""

    text: str
    """Its id as the device wrote it down; whether it is one is for the office to say."""
    part: str | None
    """Nozzle, lane or phase; None: the instrument as a whole."""

    def read(self) -> StickerId:
        """Return its id.

        Raises:
            MalformedDocumentError: it is none, or a symbol of it is wrong.
        """
        return parse_sticker_id(self.text)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a device brings back of one instrument."""

    round: str
    round_digest: bytes
    device: str
    item: str
    revision: int
    made_at: datetime
    """By the device's own clock."""
    verified_on: date
    nameplate_agrees: bool
    seals_before: str
    adjusted: bool
    standards: tuple[str, ...]
    temperature: str | None
    humidity: str | None
    results: tuple[JsonObject, ...]
    conclusion: str
    seals: tuple[JsonObject, ...]
    stickers: tuple[PutOn, ...]
    note: str | None
    raw: bytes
    """Exactly what was signed."""

    @property
    def request_id(self) -> str:
        """Return by what the draft of this device and instrument is known: the same for all revisions."""
        return f"{self.round}/{self.device}/{self.item}"

    @property
    def sticker(self) -> str | None:
        """Return the sticker on the instrument as a whole, as documents name it; None: none, or several."""
        whole = [one for one in self.stickers if one.part is None]
        if len(whole) != 1:
            return None
        try:
            return format_code(whole[0].read())
        except InputError:
            return whole[0].text


def encode_device_claim(label: str, key: PublicKey, person: str, institution: str) -> bytes:
    """Return what a device signs to show that it holds its key, and for whom."""
    claim: JsonObject = {"institution": institution, "key": key.multikey, "label": label, "person": person}
    return DEVICE_DOMAIN + encode_canonical_json(claim)


def parse_device_key(raw: bytes) -> PublicKey:
    """Return the public key of a device: 33 bytes, a compressed point of P-256.

    Raises:
        InputError: no such point.
    """
    try:
        return PublicKey(Algorithm.P256, raw)
    except InputError as err:
        raise MalformedDocumentError(err.reason, field="key") from None


def parse_finding(raw: bytes) -> Finding:
    """Read a finding.

    Raises:
        InputError: not one, or not in its one spelling.
    """
    if len(raw) > MAX_FINDING_BYTES:
        raise MalformedDocumentError(f"a finding is at most {MAX_FINDING_BYTES} bytes", field="finding")
    reader = Reader(as_object(parse_canonical_json(raw)), "")
    reader.integer("v", 1, 1)
    decimals = reader.opt_decimals("temperature", "humidity")
    finding = Finding(
        round=reader.text("round", pattern=ID_PATTERN),
        round_digest=reader.hex("round_digest", 32),
        device=reader.text("device", pattern=ID_PATTERN),
        item=reader.text("item", pattern=ITEM_PATTERN),
        revision=reader.integer("revision", 1, MAX_REVISION),
        made_at=reader.instant("made_at"),
        verified_on=reader.date("verified_on"),
        nameplate_agrees=reader.text("nameplate", pattern="agrees|differs") == "agrees",
        seals_before=reader.text("seals_before", pattern="intact|broken|none"),
        adjusted=reader.boolean("adjusted"),
        standards=tuple(reader.texts("standards", most=20)),
        temperature=None if decimals[0] is None else str(decimals[0]),
        humidity=None if decimals[1] is None else str(decimals[1]),
        results=tuple(as_object(one) for one in reader.values("results", least=0, most=400)),
        conclusion=reader.text("conclusion", pattern="pass|fail"),
        seals=tuple(as_object(one) for one in reader.values("seals", least=0, most=40)),
        stickers=tuple(_parse_put_on(one) for one in reader.objects("stickers", most=MAX_STICKERS)),
        note=reader.opt_text("note", max_bytes=400),
        raw=raw,
    )
    reader.finish()
    return finding


def _parse_put_on(reader: Reader) -> PutOn:
    put_on = PutOn(reader.text("id", max_bytes=40), reader.opt_text("part", max_bytes=8))
    reader.finish()
    return put_on


def verify_finding(finding: Finding, signature: bytes, key: PublicKey) -> None:
    """Check that a device has signed a finding.

    Args:
        finding: as it came.
        signature: 64 bytes, r || s with s in the lower half.
        key: of the device that the finding names.

    Raises:
        BrokenSignatureError: it has not, or not this.
    """
    verify_signature(key, signature, FINDING_DOMAIN + finding.raw)


def compose_content(finding: Finding, round_: Round, private: JsonObject) -> JsonObject:
    """Return the input document that a finding makes of an instrument.

    Args:
        finding: of an item of this round.
        round_: as the device had it.
        private: members of the instrument that the device does not get, as its owner.

    Raises:
        InputError: a standard that the round does not name.
    """
    item = round_.items[finding.item]
    content: JsonObject = {
        "kind": round_.kind,
        "instrument": {**item.instrument, **private},
        "standards": [_find_standard(round_, name, place) for place, name in enumerate(finding.standards)],
        "results": [
            {name: value for name, value in result.items() if name != "flow"} for result in finding.results
        ],
        "conclusion": finding.conclusion,
        "adjusted": finding.adjusted,
        "seals": list(finding.seals),
        "verified_on": finding.verified_on.isoformat(),
        "place": {"kind": "on_site", **_find_place(item)},
    }
    environment = _describe_environment(finding)
    if environment:
        content["environment"] = environment
    if finding.sticker is not None:
        content["sticker_id"] = finding.sticker
    content["raw_record"] = {
        "no": f"{finding.request_id}/{finding.revision}",
        "hash": encode_hex(hashlib.sha256(finding.raw).digest()),
    }
    return content


def _find_standard(round_: Round, name: str, place: int) -> JsonObject:
    if name not in round_.standards:
        raise MalformedDocumentError(f"the round has no standard {name[:40]!r}", field=f"standards[{place}]")
    return round_.standards[name]


def _find_place(item: RoundItem) -> JsonObject:
    site = item.instrument.get("site")
    address = site.get("address") if isinstance(site, dict) else None
    return {} if address is None else {"where": address}


def _describe_environment(finding: Finding) -> JsonObject:
    members: JsonObject = {}
    for name, value, unit in (
        ("temperature", finding.temperature, _TEMPERATURE),
        ("humidity", finding.humidity, _HUMIDITY),
    ):
        if value is not None:
            members[name] = {"value": value, "unit": unit}
    return members


def find_doubts(finding: Finding, round_: Round) -> list[Reason]:
    """Return why a finding is not taken over as it is, apart from what the gate says of its document.

    Results are computed again from the readings; a device that computes otherwise is not believed.
    """
    item = round_.items[finding.item]
    doubts: list[Reason] = []
    try:
        series = read_series(finding.results)
        measuring = round_.measure(item)
        expected = compute_results(series, measuring)
    except InputError as err:
        doubts.append(Reason("READINGS", err.field or "results", err.reason, f"示值无法计算：{err.reason}"))
    else:
        doubts += _compare(finding, expected, item, series)
        if finding.conclusion == "pass":
            doubts += _find_repeatability_doubts(find_unrepeated(expected, measuring))
        doubts += _find_adjustment_doubts(finding, series)
    if not finding.nameplate_agrees:
        en = "the nameplate was other than the round says; correct the instrument in the draft"
        doubts.append(Reason("NAMEPLATE", "instrument", en, "铭牌与任务单不符，请在草稿中更正器具信息"))
    if finding.seals_before == "broken" and finding.conclusion == "pass" and not finding.seals:
        en = "the old seals were broken, and no new ones are named"
        doubts.append(Reason("SEALS", "seals", en, "原铅封已损坏，但未填写新铅封编号"))
    return [*doubts, *_find_sticker_doubts(finding, item)]


def _find_repeatability_doubts(places: Sequence[Place]) -> list[Reason]:
    """Say where something passed without the repeatability that its limits ask for."""
    if not places:
        return []
    names = _name_places(places)
    en = f"no repeatability of {names}: it takes two readings or more of one load or flow"
    zh = f"缺少重复性：{names}（同一载荷或流量下至少须有两个示值）"
    return [Reason("REPEATABILITY", "results", en, zh)]


def _name_places(places: Iterable[Place]) -> str:
    return ", ".join((part or "-") + ("" if flow is None else f" @ {flow}") for part, flow in places)


def _find_adjustment_doubts(finding: Finding, series: Sequence[Series]) -> list[Reason]:
    """Say where an adjustment has not both its readings, those before and those after, flow by flow."""
    before = {(one.item, one.part, one.flow) for one in series if one.before_adjustment}
    after = {(one.item, one.part, one.flow) for one in series if not one.before_adjustment}
    doubts = []
    if finding.adjusted and not before:
        en = "it was adjusted, and no reading before is there"
        doubts.append(Reason("ADJUSTMENT", "adjusted", en, "已调修，但没有调修前的示值"))
    if before and not finding.adjusted:
        en = "there are readings before an adjustment, and none is stated"
        doubts.append(Reason("ADJUSTMENT", "adjusted", en, "有调修前的示值，但未注明已调修"))
    if finding.conclusion == "pass" and before - after:
        places = {(part, flow) for _, part, flow in before - after}
        names = _name_places(sorted(places, key=lambda one: (one[0] or "", one[1] or "")))
        en = f"no reading after the adjustment of {names}"
        doubts.append(Reason("ADJUSTMENT", "results", en, f"缺少调修后的示值：{names}"))
    return doubts


def _find_sticker_doubts(finding: Finding, item: RoundItem) -> list[Reason]:
    doubts = []
    if finding.stickers and finding.conclusion == "fail":
        en = "what fails bears no sticker: take it off again"
        doubts.append(Reason("STICKER", "stickers", en, "不合格的器具不得粘贴合格标志，请取下"))
    for place, one in enumerate(finding.stickers):
        field = f"stickers[{place}]"
        try:
            one.read()
        except InputError as err:
            en = f"{one.text[:40]} is no sticker: {err.reason}"
            doubts.append(Reason("STICKER", field, en, f"{one.text[:40]}不是有效的标志编号，请核对"))
        if one.part is not None and one.part not in item.parts:
            en, zh = f"the instrument has no part {one.part}", f"器具没有{one.part}号部位"
            doubts.append(Reason("STICKER", f"{field}.part", en, zh))
    places = [one.part for one in finding.stickers]
    if len(set(places)) < len(places):
        en = "two stickers in one place: only one of them can stand there"
        doubts.append(Reason("STICKER", "stickers", en, "同一位置填写了两个标志，只能保留一个"))
    return doubts


def _compare(
    finding: Finding, expected: Sequence[JsonObject], item: RoundItem, series: Sequence[Series]
) -> list[Reason]:
    doubts = []
    if list(finding.results) != list(expected):
        en = "do not follow from the readings, computed again"
        doubts.append(Reason("COMPUTED_OTHERWISE", "results", en, "与示值重新计算的结果不一致"))
    if finding.conclusion == "pass" and find_conclusion(expected) == "fail":
        doubts.append(Reason("CONCLUSION", "conclusion", "contradicts the results", "结论与检定结果不符"))
    if finding.conclusion == "fail" and find_conclusion(expected) == "pass" and finding.note is None:
        en = "fails although all readings passed: a note says why"
        doubts.append(Reason("CONCLUSION", "note", en, "各项示值均合格而结论为不合格，须填写原因"))
    measured = {one.part for one in series if not one.before_adjustment}
    missing = [part for part in item.parts if part not in measured]
    if missing and finding.conclusion == "pass":
        names = ", ".join(missing)
        doubts.append(Reason("PARTS", "results", f"no reading of {names}", f"缺少以下部位的示值：{names}"))
    return doubts


def read_series(results: Sequence[JsonObject]) -> list[Series]:
    """Return the readings that results of a device state; what it computed from them is left out.

    Raises:
        InputError: not such results.
    """
    series = []
    for place, value in enumerate(results):
        reader = Reader(value, f"results[{place}]")
        item = reader.text("item", max_bytes=64, pattern=r"[a-z][a-z0-9_]*")
        if item == LimitedItem.REPEATABILITY:
            continue
        part, before = reader.opt_text("part", max_bytes=8), reader.opt_boolean("before_adjustment") or False
        flow = reader.opt_decimal("flow")
        points = reader.objects("points", least=1, most=100)
        readings = tuple((_read(point, "nominal"), _read(point, "measured")) for point in points)
        series.append(Series(item, part, readings, before, None if flow is None else encode_decimal(flow)))
    return series


def _read(point: Reader, name: str) -> str:
    return point.text(name, max_bytes=40, pattern=_READING.pattern)


_READING: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
