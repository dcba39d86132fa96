"""A pack is a function of what it is made from: its files, what is absent and why, and what it says of itself."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from attacks import ATTACKS, prepare
from evidence_packs import HOST, pack_files, pack_of, print_nothing, read_all, read_page
from ledger_in_memory import NOW, MemoryLedger

from api.evidence.archive import read_manifest
from api.evidence.pack import Source
from api.evidence.page import build_script, embed_json
from api.evidence.words import FILE_WORDS
from ledger.core.errors import InputError, PolicyMismatchError, UnavailableError
from ledger.core.event import EventType
from ledger.core.policy import encode_policy

EVERY = [*FILE_WORDS, "manifest.json", "SHA256SUMS"]


@pytest.fixture(scope="module")
def ledger():
    made = MemoryLedger().found()
    made.numbers = [made.issue(number) for number in (1, 2)]
    return made


@pytest.fixture(scope="module")
def policy(ledger):
    return ledger.session().policy


@pytest.fixture(scope="module")
def bundle(ledger):
    return ledger.bundle(ledger.numbers[0])


@pytest.fixture(scope="module")
def files(policy, bundle):
    return read_all(pack_files(policy, bundle, trust=b"{}"))


def absent(raw):
    return {each["name"]: each["en"] for each in read_manifest(raw)["absent"]}


def spoil(bundle):
    """Return a bundle whose certificate says something else, its digest put right."""
    members = json.loads(bundle)
    members["certificate"]["credentialSubject"]["instrument"]["serial"] = "SN-FORGED"
    del members["digest"]
    bare = json.dumps(members, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    members["digest"] = hashlib.sha256(bare).hexdigest()
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def test_every_file_is_there_or_named_with_a_reason(policy, bundle):
    raw = pack_files(policy, bundle)
    names, left = list(read_all(raw)), absent(raw)
    assert sorted([*names, *left]) == sorted(EVERY)
    assert names == [name for name in EVERY if name in names], "in the order of the table"
    assert set(left) == {"newest.json", "history.json", "trust.json"} | {"receipts.json"} - set(names)
    readme = read_all(raw)["README.txt"].decode("utf-8-sig")
    assert all(f"  {name}" in readme for name in left)


def test_the_same_source_gives_the_same_bytes(policy, bundle):
    assert pack_files(policy, bundle) == pack_files(policy, bundle)


def test_whatever_goes_in_changes_its_name(policy, bundle):
    source = Source(bundle, None, encode_policy(policy), None, None, HOST)
    changes = [
        {},
        {"newest": bundle},
        {"bundle": bundle[:-1]},
        {"policy_raw": b"{}"},
        {"trust": b"{}"},
        {"host": "x.example"},
    ]
    assert len({replace(source, **change).compute_digest() for change in changes}) == len(changes)
    assert source.compute_digest() == replace(source).compute_digest()


def test_files_are_the_bytes_that_went_in(files, policy, bundle):
    assert files["bundle.json"] == bundle
    assert files["policy.json"] == encode_policy(policy)
    assert files["trust.json"] == b"{}"
    credential = json.loads(bundle)["certificate"]
    assert json.loads(files["certificate.json"]) == credential
    assert files["certificate.json"] in bundle


def test_it_is_judged_as_of_its_own_newest_time(policy, bundle):
    members = read_manifest(pack_files(policy, bundle))
    assert (members["shown"], members["environment"]) == ("VALID", "development")
    assert members["as_of"]["at"] <= NOW.isoformat().replace("+00:00", "Z")


def test_texts_are_read_by_every_editor_and_are_in_both_languages(files):
    for name in ("README.txt", "report.txt"):
        assert files[name].startswith(b"\xef\xbb\xbf")
        text = files[name].decode("utf-8-sig")
        assert text.count("\r\n") == text.count("\n") > 20
        assert "存证包" in text
        assert "vidence pack" in text
    report = files["report.txt"].decode("utf-8-sig")
    for words in ("检定有效", "Valid", "燃油加油机", "12315", "不证明此刻称量准确", "仲裁检定"):
        assert words in report
    assert "hengzheng verify bundle.json --policy policy.json" in files["README.txt"].decode("utf-8-sig")


def test_what_does_not_hold_shows_no_field_and_no_print(policy, bundle):
    raw = pack_files(policy, spoil(bundle))
    files = read_all(raw)
    assert read_manifest(raw)["shown"] == "TAMPERED"
    assert absent(raw)["document.pdf"] == "no readable copy is made of what does not hold"
    for name in ("report.html", "report.txt", "README.txt"):
        text = files[name].decode("utf-8-sig")
        assert "SN-FORGED" not in text
        assert "It proves that" not in text
        assert "能证明：本记录" not in text
    assert "proves nothing of the document" in files["README.txt"].decode("utf-8-sig")


def test_two_documents_are_no_pack(policy, ledger, bundle):
    other = ledger.bundle(ledger.numbers[1])
    with pytest.raises(InputError, match="proof of another document"):
        pack_files(policy, bundle, other)


@pytest.mark.parametrize("spoiled", [b"", b"{}", b"no json", b'{"type":"hengzheng/bundle/v1"}'])
def test_what_is_no_bundle_is_no_pack(policy, bundle, spoiled):
    with pytest.raises(InputError):
        pack_files(policy, spoiled)
    with pytest.raises(InputError):
        pack_files(policy, bundle, spoiled)


def test_another_logs_bundle_is_no_pack(policy, bundle):
    with pytest.raises(PolicyMismatchError):
        pack_files(replace(policy, origin="other.example/log"), bundle)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            InputError("no font has the character 𰻞; name one by the setting font_folder"),
            "it cannot be printed here: a character has no font",
        ),
        (UnavailableError("no process"), "could not be printed just now"),
    ],
)
def test_a_pack_does_not_fail_for_want_of_a_print(policy, bundle, error, words):
    def fail(_copy):
        raise error

    raw = pack_files(policy, bundle, print_pdf=fail)
    assert words in absent(raw)["document.pdf"]
    assert "font_folder" not in read_all(raw)["README.txt"].decode(), "that is for an institution's desk"
    assert "document.pdf" not in read_all(raw)
    assert read_manifest(raw)["shown"] == "VALID"


def test_the_print_says_that_it_is_a_copy_and_how_the_document_stands(policy, bundle):
    asked = []
    pack_files(policy, bundle, print_pdf=lambda copy: asked.append(copy) or print_nothing(copy))
    (copy,) = asked
    assert copy.bundle == bundle
    assert copy.banners[0].zh == "存证副本，未签名 · 检定有效"
    assert copy.banners[0].en == "EVIDENCE COPY, unsigned · Valid"
    assert copy.development is True


def test_a_trust_list_that_is_too_long_is_left_out(policy, bundle):
    raw = pack_files(policy, bundle, trust=b"x" * (1024 * 1024 + 1))
    assert "trust.json" in absent(raw)


# --- the page -------------------------------------------------------------------------------------------------


class Elements(HTMLParser):
    """The elements of a page, with what stands in scripts and styles."""

    def __init__(self, raw):
        super().__init__()
        self.tags, self.raw_texts, self.inside = [], {}, None
        self.feed(raw.decode())
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = (tag, dict(attrs).get("type")) if tag in {"script", "style"} else None

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside is not None:
            self.raw_texts[self.inside] = self.raw_texts.get(self.inside, "") + data


def test_the_page_lets_its_own_script_and_style_run_and_nothing_be_fetched(files):
    page = Elements(files["verify.html"])
    (policy,) = [attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv")]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    def name(text):
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    assert (
        rules["default-src"] == rules["connect-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    )
    assert rules["script-src"] == name(page.raw_texts["script", "module"])
    assert rules["style-src"] == name(page.raw_texts["style", None])
    assert "unsafe" not in policy
    assert [attrs.get("src") for tag, attrs in page.tags if tag == "script"] == [None, None]
    assert not [
        tag for tag, attrs in page.tags for value in attrs.values() if re.match("https?:", value or "")
    ]
    digest = hashlib.sha256(page.raw_texts["script", "module"].encode()).hexdigest()
    assert json.loads(files["manifest.json"])["page_script_sha256"] == digest
    assert digest in files["README.txt"].decode("utf-8-sig")


def test_the_page_names_the_other_files_with_their_digests(files):
    listed = {each["name"]: each["sha256"] for each in read_page(files["verify.html"])["files"]}
    assert set(listed) == set(files) - {"verify.html", "manifest.json", "SHA256SUMS"}
    assert all(hashlib.sha256(files[name]).hexdigest() == digest for name, digest in listed.items())


def test_no_text_ends_the_element_that_it_stands_in():
    text = "</script><!--<script>&amp;\u2028\u2029]]>"
    embedded = embed_json({"text": text})
    assert json.loads(embedded) == {"text": text}
    assert not re.search("[<>&\u2028\u2029]", embedded)


def test_the_script_holds_nothing_that_ends_it():
    assert not re.search(r"</script|<!--|\r|\x00", build_script(), re.IGNORECASE)


@pytest.mark.parametrize("attack", [*ATTACKS, "</SCRIPT ><script>ran=1", "<!--<script>ran=1"])
def test_no_text_of_a_document_becomes_markup(attack):
    served, _, code, went = prepare(attack)
    with served:
        files = read_all(pack_of(served, code))
    assert len(went) >= 20
    for name, scripts in (("verify.html", ["application/json", "module"]), ("report.html", [])):
        page = Elements(files[name])
        assert [attrs.get("type") for tag, attrs in page.tags if tag == "script"] == scripts
        assert not [tag for tag, _ in page.tags if tag in {"img", "iframe", "object", "a"}]
        assert not [key for _, attrs in page.tags for key in attrs if key.startswith("on")]
    data = read_page(files["verify.html"])
    assert data["bundle"].encode() == files["bundle.json"]
    assert any(attack in event["en"]["speaker"] for event in data["events"])


def test_days_do_not_change_a_pack():
    served, _, code, _ = prepare("x")
    with served:
        first = pack_of(served, code)
        served.now += timedelta(days=900)
        assert pack_of(served, code) == first


def test_no_pack_is_made_with_an_older_state_as_the_newest(policy):
    older = MemoryLedger().found()
    number = older.issue(1)
    before = older.publish()
    older.act(EventType.CANCEL)
    with pytest.raises(InputError, match="older state"):
        pack_files(policy, older.bundle(number), older.bundle(number, before))
