"""Instruments as an institution knows them: from its registrations and from its documents, each once. Pure.

An instrument that somebody found to be the same as another one is that other one: its documents and stickers are
shown there.

>>> known = list_known(registered, documents)
>>> [one.serial for one in search(known, "EX-1224 示例")]
['SN1']
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from api.office.document_index import IndexedDocument, fold
from issuer.said_book import Said
from ledger.core.canonical import JsonObject
from ledger.core.category import Category
from ledger.core.encoding import encode_hex, parse_hex
from ledger.core.errors import InputError
from ledger.core.ids import InstrumentId
from ledger.core.instrument import MAX_PART_BYTES, normalise_for_search
from ledger.core.register_fields import DIVISION_PATTERN
from ledger.core.registration import CODE_NAMES, InstrumentContent, Likeness
from ledger.core.status import Status
from ledger.core.step import Sentence

STATUS_WORDS: Final = {
    Status.VALID: Sentence("verified, passed", "检定合格"),
    Status.FAILED: Sentence("failed", "检定不合格"),
    Status.SUPERSEDED: Sentence("replaced by a newer document", "已有新证书"),
    Status.CANCELLED: Sentence("cancelled", "已注销"),
    Status.WITHDRAWN: Sentence("withdrawn", "已撤回"),
    Status.SUSPENDED: Sentence("suspended", "已暂停使用"),
    Status.NEEDS_REVERIFICATION: Sentence("must be verified again", "须重新检定"),
}
"""What the ledger says of an instrument -> what people read."""
GOOD: Final = frozenset({Status.VALID})

_INSTRUMENT_BYTES: Final = 16
_LIST: Final = re.compile(r"[,，、;；\s]+")
_POINTS: Final = re.compile(r"[;；\n]+")


@dataclass(frozen=True, slots=True)
class KnownInstrument:
    """One instrument."""

    id: str
    """32 hexadecimal digits."""
    content: InstrumentContent | None
    """As it is registered; None: only documents name it."""
    waits: bool
    """Whether the registration waits for the log."""
    newest: IndexedDocument | None
    """Its newest document that counts, else its newest; None: it is registered only."""
    aliases: tuple[str, ...] = ()
    """Ids of what was found to be the same."""

    @property
    def key(self) -> InstrumentId:
        """Return its id as bytes."""
        return InstrumentId(parse_hex(self.id, size=_INSTRUMENT_BYTES))

    @property
    def keys(self) -> list[InstrumentId]:
        """Return every id that it has."""
        return [InstrumentId(parse_hex(one, size=_INSTRUMENT_BYTES)) for one in (self.id, *self.aliases)]

    @property
    def name(self) -> str:
        """Return what it is called; "" where only its category is known."""
        return "" if self.newest is None else self.newest.name

    @property
    def category(self) -> str:
        """Return the code of its category."""
        return self.content.category.name if self.content else _of(self.newest, "category")

    @property
    def model(self) -> str:
        """Return its model, "" where nobody said."""
        return self.content.model or "" if self.content else _of(self.newest, "model")

    @property
    def serial(self) -> str:
        """Return its serial number."""
        return self.content.serial if self.content else _of(self.newest, "serial")

    @property
    def maker(self) -> str:
        """Return its maker, "" where nobody said."""
        return self.content.maker or "" if self.content else _of(self.newest, "maker")

    @property
    def owner(self) -> str:
        """Return its owner by its newest document."""
        return _of(self.newest, "owner")

    @property
    def site(self) -> str:
        """Return where it stands: the place of its newest document, else the division."""
        division = self.content.division if self.content else ""
        return _of(self.newest, "site") or division


def _of(document: IndexedDocument | None, member: str) -> str:
    return "" if document is None else str(getattr(document, member))


def list_known(
    registered: Iterable[Said[InstrumentContent]], documents: Mapping[str, IndexedDocument]
) -> dict[str, KnownInstrument]:
    """Return every instrument by its id, ordered by site and serial number.

    Args:
        registered: the newest registration of each.
        documents: the newest document of each, by instrument id.
    """
    found = {
        encode_hex(one.content.id): KnownInstrument(
            encode_hex(one.content.id), one.content, one.waits, documents.get(encode_hex(one.content.id))
        )
        for one in registered
    }
    for id_, document in documents.items():
        found.setdefault(id_, KnownInstrument(id_, None, waits=False, newest=document))
    for alias, kept in find_aliases(found.values()).items():
        twin = found.pop(alias, None)
        one = found[kept]
        newest = _newer(one.newest, None if twin is None else twin.newest)
        found[kept] = replace(one, newest=newest, aliases=(*one.aliases, alias))
    ordered = sorted(found.values(), key=lambda one: (one.site, one.serial, one.id))
    return {one.id: one for one in ordered}


def find_aliases(known: Iterable[KnownInstrument]) -> dict[str, str]:
    """Return the ids that were found to be others, with the id that is kept; none that lead in a circle."""
    aliases = {
        encode_hex(answer.other): one.id
        for one in known
        if one.content is not None
        for answer in one.content.answers
        if answer.likeness is Likeness.SAME
    }
    ends = {alias: _follow(alias, aliases) for alias in aliases}
    return {alias: kept for alias, kept in ends.items() if kept not in aliases}


def _follow(alias: str, aliases: Mapping[str, str]) -> str:
    """Return where aliases of aliases end; in a circle anywhere on it."""
    seen = {alias}
    while alias in aliases and aliases[alias] not in seen:
        alias = aliases[alias]
        seen.add(alias)
    return alias


def _newer(one: IndexedDocument | None, other: IndexedDocument | None) -> IndexedDocument | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda document: (document.counts, document.verified_on, document.position))


def search(known: Mapping[str, KnownInstrument], text: str) -> list[KnownInstrument]:
    """Return the instruments in which every word of a text stands; none: all of them."""
    words = fold(text).split()
    return [one for one in known.values() if all(word in _spell(one) for word in words)]


def _spell(one: KnownInstrument) -> str:
    words = (one.id, one.name, one.model, one.serial, one.maker, one.owner, one.site)
    return fold(" ".join(words))


def find_serial(known: Mapping[str, KnownInstrument], serial: str) -> list[KnownInstrument]:
    """Return the instruments whose serial number is spelled like this one."""
    wanted = normalise_for_search(serial)
    return [one for one in known.values() if normalise_for_search(one.serial) == wanted]


# --- the form of a registration -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of the form."""

    name: str
    label: Sentence
    hint: Sentence | None = None
    most: int = 200
    is_needed: bool = False
    only_new: bool = False
    """Tells an instrument apart, and is not registered."""


ENTRIES: Final = (
    Entry("maker", Sentence("Maker", "制造单位")),
    Entry("model", Sentence("Model", "型号规格")),
    Entry("serial", Sentence("Serial number", "出厂编号"), is_needed=True),
    Entry("cpa_no", Sentence("Number of the type approval", "型式批准编号"), most=64),
    Entry("year", Sentence("Year of manufacture", "出厂年份"), most=4),
    Entry(
        "division",
        Sentence("Division code of the site", "使用地行政区划代码"),
        Sentence("as 350102", "如 350102"),
        most=12,
    ),
    Entry("codes.production", Sentence("Production code", "生产码")),
    Entry("codes.repair", Sentence("Repair code", "维修码")),
    Entry("codes.verification", Sentence("Verification code", "检定码")),
    Entry(
        "parts",
        Sentence("Parts in use", "在用部件"),
        Sentence("nozzles, lanes or phases, as 1, 2", "枪、道、相，如 1、2"),
        most=600,
    ),
    Entry(
        "retired",
        Sentence("Parts not in use any more", "停用部件"),
        Sentence("what was in use before", "曾在用而不再使用的"),
        most=600,
    ),
    Entry(
        "seal_points",
        Sentence("Places of seals", "铅封位置"),
        Sentence("parted by semicolons", "以分号分隔"),
        most=4000,
    ),
    Entry(
        "owner",
        Sentence("Credit code of the owner", "使用单位统一社会信用代码"),
        Sentence("only where two nameplates agree", "仅在铭牌相同时用于区分"),
        only_new=True,
    ),
    Entry(
        "local_id",
        Sentence("Own number of the instrument", "本机构器具编号"),
        Sentence("tells it apart in place of the nameplate", "代替铭牌信息作为识别依据"),
        only_new=True,
    ),
)


def read_members(given: Mapping[str, str]) -> JsonObject:
    """Return the fields of the form as `known_instruments.parse_registration` takes them.

    Args:
        given: text by name of the field.

    Raises:
        InputError: what tells it apart is missing, or the year is none; the field is named.
    """
    _require_identity(given)
    members: JsonObject = {"category": given.get("category", "")}
    plain = ("maker", "model", "serial", "cpa_no", "division", "owner", "local_id")
    members |= {name: given[name] for name in plain if given.get(name)}
    codes: JsonObject = {name: given[f"codes.{name}"] for name in CODE_NAMES if given.get(f"codes.{name}")}
    lists = {
        "parts": _split(_LIST, given.get("parts", "")),
        "retired": _split(_LIST, given.get("retired", "")),
        "seal_points": _split(_POINTS, given.get("seal_points", "")),
    }
    _check_lists(lists)
    if given.get("year"):
        members["year"] = _read_year(given["year"])
    members |= {name: [*items] for name, items in lists.items() if items}
    return members | ({"codes": codes} if codes else {})


def _require_identity(given: Mapping[str, str]) -> None:
    if given.get("category") not in Category.__members__:
        raise InputError("choose one", field="category", zh="请选择")
    if not given.get("serial"):
        raise InputError("must be filled in", field="serial", zh="必须填写")
    division = given.get("division", "")
    if division and not re.fullmatch(DIVISION_PATTERN, division):
        raise InputError(
            "is a code of 2 to 12 digits, as 350102", field="division", zh="应为2至12位数字，如 350102"
        )
    if given.get("local_id") or given.get("id"):
        return
    if not given.get("model"):
        why = "is needed to tell the instrument apart, or else its own number"
        raise InputError(why, field="model", zh="须填写以识别器具，或填写本机构器具编号")
    if not given.get("maker") and not given.get("cpa_no"):
        why = "is needed to tell the instrument apart, or else its type approval or own number"
        raise InputError(why, field="maker", zh="须填写以识别器具，或填写型式批准编号或本机构器具编号")


def _check_lists(lists: Mapping[str, list[str]]) -> None:
    """Refuse what stands in a list twice, a part with a long name, and one that is in use and is not."""
    for name, items in lists.items():
        doubles = [item for item in items if items.count(item) > 1]
        if doubles:
            raise InputError(f"{doubles[0]} stands there twice", field=name, zh=f"{doubles[0]}重复")
        long = [item for item in items if name != "seal_points" and len(item.encode()) > MAX_PART_BYTES]
        if long:
            why, zh = (
                f"{long[0]} has more than {MAX_PART_BYTES} bytes",
                f"{long[0]}超过{MAX_PART_BYTES}个字节",
            )
            raise InputError(why, field=name, zh=zh)
    both = set(lists["parts"]) & set(lists["retired"])
    if both:
        raise InputError(f"{min(both)} is in use as well", field="retired", zh=f"{min(both)}仍列为在用部件")


def _read_year(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1800 <= int(text) <= 9999):
        raise InputError("is a year, as 2024", field="year", zh="应为年份，如 2024")
    return int(text)


def _split(pattern: re.Pattern[str], text: str) -> list[str]:
    return [item for one in pattern.split(text) if (item := one.strip())]


def fill_form(content: InstrumentContent) -> dict[str, str]:
    """Return what the form of an instrument begins with."""
    codes = {f"codes.{name}": code for name, code in content.codes}
    return codes | {
        "category": content.category.name,
        "maker": content.maker or "",
        "model": content.model or "",
        "serial": content.serial,
        "cpa_no": content.type_approval_no or "",
        "year": "" if content.year is None else str(content.year),
        "division": content.division,
        "parts": ", ".join(content.parts),
        "retired": ", ".join(content.retired),
        "seal_points": "; ".join(content.seal_points),
    }


def compare(
    new: InstrumentContent, known: InstrumentContent
) -> Iterator[tuple[Sentence, str, str, bool | None]]:
    """Yield each member of a nameplate as both have it, and whether they agree; None: one does not say.

    Args:
        new: about to be registered.
        known: what it looks like.
    """
    ours, theirs = fill_form(new), fill_form(known)
    for entry in ENTRIES:
        if entry.name in {"maker", "model", "serial", "year", "cpa_no", "division"}:
            one, other = ours[entry.name], theirs[entry.name]
            agree = normalise_for_search(one) == normalise_for_search(other) if one and other else None
            yield entry.label, one, other, agree


def list_labels(entries: Sequence[Entry] = ENTRIES) -> dict[str, tuple[str, str]]:
    """Return how pages call each field, in English and Chinese."""
    return {entry.name: (entry.label.en, entry.label.zh) for entry in entries}
