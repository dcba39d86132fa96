"""The instrument in a DCC: item, its parts as sub-items, and everything a person compares with the nameplate.

>>> build_item(record, personal)
<Element {https://ptb.de/dcc}item at …>
"""

from collections.abc import Iterator

from issuer.rendering.dcc_personal import Personal, build_party
from issuer.rendering.dcc_words import CODES, PURPOSES
from issuer.rendering.dcc_xml import Element, Words, contents, dcc, identification, listed, own, text
from ledger.core.encoding import encode_decimal, encode_hex
from ledger.core.record import Instrument, Part, Record
from ledger.core.step import Sentence


def build_item(record: Record, personal: Personal) -> Element:
    """Return the item that the record is about."""
    instrument = record.instrument
    owner = instrument.owner
    return dcc(
        "item",
        text("name", instrument.name),
        _classify(instrument),
        _describe_site(instrument, personal),
        None if owner is None else build_party("owner", personal, "instrument.owner", is_there=True),
        None if instrument.maker is None else dcc("manufacturer", text("name", instrument.maker)),
        None if instrument.model is None else dcc("model", instrument.model),
        dcc("identifications", *_identify(record)),
        listed("itemQuantities", *_describe(instrument)),
        listed("subItems", *(_build_part(part) for part in instrument.parts)),
    )


def _classify(instrument: Instrument) -> Element:
    """Return the category, in the list of the product's own codes."""
    return dcc("equipmentClass", dcc("reference", "hengzheng"), dcc("classID", instrument.category.name))


def _describe_site(instrument: Instrument, personal: Personal) -> Element | None:
    if instrument.site is None:
        return None
    address = personal.find_text("instrument.site.address")
    zh, en = f"使用地点：行政区划 {instrument.site.division}", f"site: division {instrument.site.division}"
    if address is not None:
        zh, en = f"{zh}，{address}", f"{en}, {address}"
    return text("description", Sentence(en, zh))


def _identify(record: Record) -> Iterator[Element | None]:
    instrument = record.instrument
    yield identification(
        "serial", instrument.serial, Sentence("Serial number", "出厂编号"), by="manufacturer"
    )
    yield identification(
        "instrumentId",
        encode_hex(instrument.id),
        Sentence("Instrument in the ledger", "账本中的器具编号"),
        by="other",
    )
    yield identification("localId", instrument.local_id, Sentence("The institution's number", "机构内部编号"))
    yield identification(
        "typeApproval",
        instrument.type_approval_no,
        Sentence("Type approval", "型式批准证书编号"),
        by="manufacturer",
    )
    for name, code in instrument.codes:
        yield identification(f"{name}Code", code, CODES[name], by="other")
    yield from _identify_software(instrument)
    for seal in record.seals:
        yield identification("seal", seal.no, Sentence(f"Seal at: {seal.point}", f"铅封（{seal.point}）"))


def _identify_software(instrument: Instrument) -> Iterator[Element | None]:
    """Yield id and hash of the software; the DCC's own element demands a release, which no record holds."""
    software = instrument.software
    if software is None:
        return
    name = Sentence("Legally relevant software", "法制相关软件")
    yield identification("softwareId", software.id, name, by="manufacturer")
    if software.digest is not None:
        name = Sentence("SHA-256 of the software", "软件的 SHA-256")
        yield identification("softwareDigest", encode_hex(software.digest), name)


def _describe(instrument: Instrument) -> Iterator[Element | None]:
    """Yield what the nameplate says in words."""
    yield _say("measuringRange", Sentence("Measuring range", "测量范围"), instrument.range)
    interval = instrument.scale_interval
    said = None if interval is None else f"{encode_decimal(interval.value)} {interval.unit.symbol}"
    yield _say("scaleInterval", Sentence("Verification scale interval e", "检定分度值e"), said)
    yield _say("accuracyClass", Sentence("Accuracy class", "准确度等级"), instrument.accuracy_class)
    year = None if instrument.year is None else str(instrument.year)
    yield _say("year", Sentence("Year of manufacture", "制造年份"), year)
    purpose = None if instrument.purpose is None else PURPOSES[instrument.purpose]
    yield _say("purpose", Sentence("Purpose", "用途"), purpose)


def _say(ref_type: str, name: Sentence, words: Words | None) -> Element | None:
    if words is None:
        return None
    return dcc(
        "itemQuantity", text("name", name), dcc("noQuantity", *contents(words)), ref_type=own(ref_type)
    )


def _build_part(part: Part) -> Element:
    """Return a part (nozzle, lane, phase) as an item of its own."""
    label: Words = Sentence(f"part {part.id}", f"部件 {part.id}") if part.name is None else part.name
    return dcc(
        "item",
        text("name", label),
        dcc(
            "identifications",
            identification("part", part.id, Sentence("Part", "部件编号")),
            identification("serial", part.serial, Sentence("Serial number", "出厂编号"), by="manufacturer"),
        ),
    )
