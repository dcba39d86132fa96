"""One pack from what was gathered: a function of its source alone, so that the same source gives the same bytes.

    README.txt  verify.html  report.html  report.txt  document.pdf
    certificate.json  bundle.json  newest.json  history.json
    policy.json  rules.json  trust.json  receipts.json  LICENSES.txt  manifest.json  SHA256SUMS

What cannot be had is left out, and the manifest and README say why.

>>> make_pack(source, session, print_copy)[:2]
b'PK'
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final

from api.evidence import words
from api.evidence.archive import Absent, PackFile, read_manifest, write_archive
from api.evidence.judging import Judged, judge
from api.evidence.page import PageContent, compute_script_digest, write_page
from api.evidence.printing import PublicCopy
from api.evidence.report import ReportContent, write_text
from api.evidence.report import write_page as write_report
from api.evidence.telling import ToldHistory, describe_events
from api.negotiation import Language
from api.replacing import Replacing, describe_replacing
from api.web.replaced_words import choose_look
from api.web.words import say
from ledger.core.anchor import encode_anchor_list
from ledger.core.bundle import ProofBundle
from ledger.core.checkpoint import parse_checkpoint_body
from ledger.core.data import read_tables
from ledger.core.encoding import encode_instant
from ledger.core.errors import InputError, UnavailableError
from ledger.core.note import parse_note
from ledger.core.policy import Policy
from ledger.core.qr import format_code
from ledger.core.step import Sentence
from verifier.session import Session

PrintCopy = Callable[[PublicCopy], bytes]
"""Returns the readable document, see `api.evidence.printing.print_copy`."""

MAX_TRUST_BYTES: Final = 1024 * 1024
"""Longest trust list that goes into a pack; who needs a longer one takes it from the ledger."""

_BOM: Final = "\ufeff"


@dataclass(frozen=True, slots=True)
class Source:
    """Everything that a pack is made from."""

    bundle: bytes
    """Of the document, under the newest anchor."""
    newest: bytes | None
    """The same document's under the newest state; None: the other is."""
    policy_raw: bytes
    trust: bytes | None
    history: ToldHistory | None
    """None: a pack from a proof file alone."""
    host: str
    """Where newer states are looked up."""
    replacing: Replacing | None = None
    """What took the document's place, by the word of the log that the pack is from."""

    def compute_digest(self) -> str:
        """Return a name of these inputs and of what makes packs of them, hex: an equal one gives equal bytes."""
        told = () if self.history is None else self.history.events
        parts = [
            f"{version('hengzheng')} {compute_script_digest()} {self.host}".encode(),
            *(self.bundle, self.newest or b"", self.policy_raw, self.trust or b""),
            json.dumps(describe_events(told)).encode(),
            b"" if self.history is None else str(self.history.is_cut).encode(),
            b"" if self.replacing is None else json.dumps(describe_replacing(self.replacing)).encode(),
        ]
        whole = b"".join(hashlib.sha256(part).digest() for part in parts)
        return hashlib.sha256(whole).hexdigest()


def make_pack(source: Source, session: Session, print_copy: PrintCopy) -> bytes:
    """Return the ZIP.

    Args:
        source: what it is made from.
        session: of the policy in the source, without trust list.
        print_copy: makes the readable document.

    Raises:
        InputError: the bundles are none, or of two documents, or of another log.
    """
    judged = judge(source.bundle, source.newest, session)
    policy = session.policy
    told = ReportContent(judged, source.history, policy, source.host, source.replacing)
    listed, absent = _list_records(source, judged, session)
    pdf = _print(source, judged, session, print_copy)
    readable = [
        _file("report.html", write_report(told)),
        _file("report.txt", _encode_text(write_text(told))),
    ]
    if isinstance(pdf, PackFile):
        readable.append(pdf)
    else:
        absent.insert(0, pdf)
    everything = [*readable, *listed]
    readme = _file("README.txt", _encode_text(_write_readme(judged, everything, absent)))
    content = PageContent(
        judged,
        source.bundle,
        source.newest,
        policy,
        source.policy_raw,
        source.history if judged.details is not None else None,
        source.host,
        [readme, *everything],
    )
    page = _file("verify.html", write_page(content))
    return write_archive(_describe(judged, policy, source), [readme, page, *everything], absent)


def is_final(pack: bytes) -> bool:
    """Say whether a pack would be the same if it were made again: nothing was out of reach for the moment."""
    return all(each["en"] != words.NO_PDF["later"].en for each in read_manifest(pack)["absent"])


def _list_records(source: Source, judged: Judged, session: Session) -> tuple[list[PackFile], list[Absent]]:
    """Return the files for machines, and those that are not there."""
    found: list[PackFile] = []
    absent: list[Absent] = []
    receipts = _encode_receipts(judged, session.policy)
    rows: list[tuple[str, bytes | None, Sentence]] = [
        ("certificate.json", judged.bundle.certificate.raw, words.NO_FIELDS),
        ("bundle.json", source.bundle, words.NO_FIELDS),
        ("newest.json", source.newest, words.NO_NEWEST),
        ("history.json", _encode_history(source, judged), words.NO_HISTORY),
        ("policy.json", source.policy_raw, words.NO_TRUST),
        ("rules.json", json.dumps(read_tables(), ensure_ascii=False).encode(), words.NO_TRUST),
        ("trust.json", _cut_trust(source.trust), words.NO_TRUST),
        ("receipts.json", receipts, words.NO_RECEIPT),
        ("LICENSES.txt", _read_licences(), words.NO_TRUST),
    ]
    for name, raw, reason in rows:
        if raw is None:
            absent.append(Absent(name, reason))
        else:
            found.append(_file(name, raw))
    return found, absent


def _cut_trust(trust: bytes | None) -> bytes | None:
    return None if trust is None or len(trust) > MAX_TRUST_BYTES else trust


def _encode_history(source: Source, judged: Judged) -> bytes | None:
    if source.history is None or judged.details is None:
        return None
    members = {
        "type": "hengzheng/history/v1",
        "origin": judged.newest.origin,
        "checkpoint": judged.newest.checkpoint,
        "is_cut": source.history.is_cut,
        "events": describe_events(source.history.events),
    }
    return (json.dumps(members, ensure_ascii=False, indent=1) + "\n").encode()


def _encode_receipts(judged: Judged, policy: Policy) -> bytes | None:
    receipts = {
        receipt.tree_size: receipt
        for bundle in (judged.bundle, judged.newest)
        for receipt in _receipts(bundle)
    }
    if not receipts:
        return None
    return encode_anchor_list(policy.origin, [receipts[size] for size in sorted(receipts)])


def _receipts(bundle: ProofBundle) -> Iterator[Any]:
    if bundle.receipt is not None:
        yield bundle.receipt
    if bundle.earlier is not None:
        yield bundle.earlier.receipt


def _read_licences() -> bytes | None:
    file = files("api.web").joinpath("static", "vendor", "LICENSES.md")
    return file.read_bytes() if file.is_file() else None


def _print(source: Source, judged: Judged, session: Session, print_copy: PrintCopy) -> PackFile | Absent:
    """Return the readable document, or why there is none; a pack does not fail for want of it."""
    name = "document.pdf"
    if judged.details is None:
        return Absent(name, words.NO_PDF["evidence"])
    look, registers = choose_look(judged.shown, source.replacing), judged.details.registers
    issuer = None if registers is None else registers.institutions.get(judged.details.record.issuer.id)
    banner = _fill(words.BANNER, Sentence(look.headline.en, look.headline.zh), "headline")
    receipt = judged.bundle.receipt
    copy = PublicCopy(
        source.bundle,
        source.host,
        session.policy.zone,
        session.policy.development,
        judged.bundle.header.sequenced_at if receipt is None else receipt.anchored_at,
        (banner,),
        None if issuer is None else issuer.name.en,
    )
    try:
        return _file(name, print_copy(copy))
    except InputError:  # its sentence is for who sets up an institution's desk
        return Absent(name, words.NO_PDF["letters"])
    except UnavailableError:
        return Absent(name, words.NO_PDF["later"])


def _fill(sentence: Sentence, value: Sentence, name: str) -> Sentence:
    return Sentence(sentence.en.format(**{name: value.en}), sentence.zh.format(**{name: value.zh}))


def _describe(judged: Judged, policy: Policy, source: Source) -> dict[str, Any]:
    """Return what the manifest says of the pack as a whole."""
    checkpoint = parse_checkpoint_body(parse_note(judged.newest.checkpoint).text)
    return {
        "made_by": f"hengzheng {version('hengzheng')}",
        "code": judged.code,
        "address": f"https://{source.host}/c/{judged.code}",
        "origin": judged.bundle.origin,
        "as_of": {"at": encode_instant(judged.at), "tree_size": checkpoint.tree_size},
        "shown": judged.shown.value,
        "verdict": judged.report.verdict.value,
        **({} if source.replacing is None else {"replaced_by": describe_replacing(source.replacing)}),
        "environment": "development" if policy.development else "production",
        "page_script_sha256": compute_script_digest(),
    }


def _write_readme(judged: Judged, listed: list[PackFile], absent: list[Absent]) -> str:
    return "\n\n\n".join("\n".join(_list_lines(judged, listed, absent, language)) for language in Language)


def _list_lines(
    judged: Judged, listed: list[PackFile], absent: list[Absent], language: Language
) -> Iterator[str]:
    yield f"{say(words.README_TITLE, language)} · {format_code(judged.code)}"
    yield from ("", say(words.README_WHAT, language))
    limits = words.list_limits(holds=judged.details is not None)
    for title, sentences in ((words.HOW, words.STEPS), (words.LIMITS, limits)):
        yield from ("", f"== {say(title, language)}")
        yield from (f"- {say(each, language)}" for each in sentences)
    yield from ("", f"== {say(words.FILES, language)}")
    own = [(name, words.FILE_WORDS[name]) for name in ("README.txt", "verify.html")]
    for name, what in [*own, *((file.name, file.what) for file in listed)]:
        yield f"  {name:<18}{say(what, language)}"
    if any(file.name == "document.pdf" for file in listed):
        yield say(words.UNSIGNED, language)
    yield from ("", say(words.ABSENT, language)) if absent else ()
    yield from (f"  {each.name:<18}{say(each.reason, language)}" for each in absent)
    yield from ("", f"{say(words.SCRIPT, language)} {compute_script_digest()}")


def _encode_text(text: str) -> bytes:
    """Return a text as the editors of every system read it: with a mark of its encoding, and both line ends."""
    return (_BOM + text.rstrip("\n") + "\n").replace("\n", "\r\n").encode()


def _file(name: str, raw: bytes) -> PackFile:
    return PackFile(name, raw, words.FILE_WORDS[name])
