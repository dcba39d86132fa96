"""The readable document of a pack: typeset in a confined process, byte for byte as others are."""

import subprocess
import sys
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from ledger_in_memory import SHANGHAI, MemoryLedger, make_record
from printed import HOST, MADE_AT, attachments, make_content, make_personal_record, typesetter

from api.evidence import printing
from api.evidence.printing import PublicCopy, print_copy
from issuer.rendering.sheet import Letterhead
from issuer.rendering.wording import Words
from ledger.confined.runner import Limits
from ledger.core.errors import InputError, UnavailableError
from ledger.core.step import Sentence

BANNER = Sentence("EVIDENCE COPY", "存证副本")


@pytest.fixture(scope="module")
def ledger():
    return MemoryLedger().found()


def make_copy(ledger, record, **changes):
    index = ledger.issue_record(record)
    given = {
        "bundle": ledger.bundle(index),
        "host": HOST,
        "zone": SHANGHAI,
        "development": True,
        "made_at": MADE_AT,
        "banners": (BANNER,),
        "issuer_en": "Fuzhou Institute of Metrology",
    }
    return index, PublicCopy(**given | changes)


def test_it_is_what_documents_are_otherwise_but_for_the_banner(ledger):
    """The public copy: a record with personal members, none of whose values the process has ever seen."""
    index, copy = make_copy(ledger, make_personal_record()[0])
    letterhead = Letterhead("Fuzhou Institute of Metrology")
    content = make_content(
        ledger, index, letterhead=letterhead, banners=(Words(BANNER.zh, BANNER.en),), bundle=copy.bundle
    )
    pdf = print_copy(copy)
    assert pdf == typesetter().render(content, MADE_AT)
    assert pdf != typesetter().render(replace(content, banners=()), MADE_AT)
    assert attachments(pdf) == {
        "certificate.json": (content.certificate.raw, "/Source"),
        "bundle.json": (copy.bundle, "/Data"),
    }


def test_another_zone_is_read_there_too(ledger):
    _, copy = make_copy(ledger, make_record(3))
    elsewhere = print_copy(replace(copy, zone=ZoneInfo("America/New_York")))
    assert elsewhere.startswith(b"%PDF-")
    assert elsewhere != print_copy(copy)


def test_a_letter_that_no_font_has_is_named(ledger):
    _, copy = make_copy(ledger, make_record(4))
    with pytest.raises(InputError, match=r"no font has the character 𓀀 \(U\+13000\)"):
        print_copy(replace(copy, banners=(Sentence("x", "𓀀"),)))


@pytest.mark.parametrize("text", ["#panic()", "*strong* _emph_", "$x$", "\\u{0}", '#read("x")', "</script>"])
def test_markup_of_the_typesetter_stays_text(ledger, text):
    _, copy = make_copy(ledger, make_record(5))
    assert print_copy(replace(copy, banners=(Sentence(text, text),))).startswith(b"%PDF-")


def test_what_is_no_bundle_is_refused(ledger):
    _, copy = make_copy(ledger, make_record(6))
    with pytest.raises(InputError):
        print_copy(replace(copy, bundle=b"{}"))


def test_its_limits_end_it(ledger, monkeypatch):
    _, copy = make_copy(ledger, make_record(7))
    monkeypatch.setattr(printing, "LIMITS", Limits(memory_bytes=64 * 1024**2, cpu_seconds=2, wall_seconds=4))
    with pytest.raises(InputError, match="more memory or time"):
        print_copy(copy)


def test_what_takes_too_long_may_be_made_later(ledger, monkeypatch):
    _, copy = make_copy(ledger, make_record(8))
    monkeypatch.setattr(printing, "LIMITS", replace(printing.LIMITS, wall_seconds=0.01))
    with pytest.raises(UnavailableError, match="in its time"):
        print_copy(copy)


def test_who_serves_the_public_loads_nothing_that_can_hold_a_key():
    """Neither the application with its packs nor the command loads the issuer."""
    program = (
        "import sys, api.app, api.server, api.evidence.cli, api.routes.evidence;"
        "sys.exit(any(name.partition('.')[0] in {'issuer', 'typst'} for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-P", "-c", program], check=False).returncode == 0


def test_the_renderer_loads_no_key_and_no_network():
    program = (
        "import sys, issuer.rendering.public_copy;"
        "bad = {'issuer.keys', 'issuer.signing', 'issuer.store', 'ledger.keystore', 'sqlalchemy', 'fastapi',"
        " 'web3', 'pyhanko'} & set(sys.modules); sys.exit(', '.join(bad) or None)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
