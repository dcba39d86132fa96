"""Photographs of instruments: taken in with a registration, shown beside a document, proved, withheld."""

import hashlib
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from page_reader import Page
from photo_world import PhotoWorld
from photos import KEPT, OTHER, describe, paint, save, taken_by_phone

from ledger.core.bundle import parse_bundle
from ledger.core.data import load_rule_book
from ledger.core.errors import InputError, StoreUnavailableError, UnavailableError, VerificationError
from ledger.core.photo_proof import encode_photo_proof, parse_photo_proof
from ledger.core.statement import parse_signed_statement
from ledger.store.records import Withheld
from verifier.photo_proof import verify_photo
from verifier.session import Session

MARKUP = "<script>alert(1)</script>\"'&amp;"


@pytest.fixture
def world():
    with PhotoWorld() as world:
        yield world


def look(world, language="zh-CN", path=None):
    world.seconds += 2
    return Page(world.client.get(path or f"/c/{world.code}", headers={"Accept-Language": language}))


def images(page):
    return page.find("img")


def read(world, path):
    return world.client.get(path)


# --- taken in ---------------------------------------------------------------------------------------------


def test_a_registration_comes_with_its_photograph(world):
    world.register()
    answer = read(world, world.path())
    assert (answer.status_code, answer.content) == (200, KEPT)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "public, max-age=86400, immutable"
    assert "script-src" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("given", "options", "reason"),
    [
        ((KEPT,), {"body": b""}, "another SHA-256"),
        ((KEPT,), {"body": OTHER}, "another SHA-256"),
        ((KEPT,), {"body": KEPT + b"\0"}, "another SHA-256"),
        ((KEPT,), {"photograph": replace(describe(KEPT), width=65)}, "another size"),
        ((KEPT,), {"photograph": describe(KEPT, date(2026, 11, 3))}, "is in the future"),
        ((None,), {"body": KEPT}, "only an issue comes with a certificate"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_kept(world, given, options, reason):
    assert reason in world.refuse(*given, **options)
    assert len(world.store.data.documents) == 1, "the certificate alone"
    assert read(world, world.path()).status_code == 404


@pytest.mark.parametrize(
    "raw", [b"{}", b"<html>", save(paint(), "PNG"), taken_by_phone((64, 48)), save(paint(), progressive=True)]
)
def test_what_is_no_plain_jpeg_is_refused_whoever_signs_it(world, raw):
    photograph = replace(describe(KEPT), digest=hashlib.sha256(raw).digest())
    assert "plain baseline JPEG" in world.refuse(KEPT, body=raw, photograph=photograph)


def test_a_registration_without_its_photograph_is_refused(world):
    entry = world.say()
    del entry["certificate"]
    (answer,) = world.post([entry]).json()["results"]
    assert "comes with its photograph" in str(answer["refusal"])


def test_the_same_again_is_acknowledged(world):
    entry = world.say()
    first = world.post([entry]).json()["results"][0]["index"]
    assert world.post([entry]).json()["results"][0]["index"] == first


# --- shown ------------------------------------------------------------------------------------------------


def test_a_page_shows_the_photograph_in_both_languages(world):
    assert images(look(world)) == []
    world.register()
    for path in (f"/c/{world.code}", f"/i/{world.pump.hex()}"):
        (image,) = images(look(world, path=path))
        assert image["src"] == f"..{world.path()}"
        assert (image["width"], image["height"], image["loading"]) == ("64", "48", "lazy")
        assert image["alt"] == "燃油加油机 EX-1224（出厂编号SN00000001）的照片，含铭牌和铅封"
    page = look(world, "en")
    assert images(page)[0]["alt"].startswith("Photograph of 燃油加油机 EX-1224, serial number SN00000001")
    assert "taken on" in page.text
    assert page.text.index("Serial number") < page.text.index("Compare with the photograph")


def test_a_newer_photograph_takes_its_place_and_the_older_is_still_there(world):
    world.register(KEPT)
    world.register(OTHER)
    (image,) = images(look(world))
    assert image["src"] == f"..{world.path(OTHER)}"
    assert [read(world, world.path(each)).content for each in (KEPT, OTHER)] == [KEPT, OTHER]
    world.register(None)
    assert images(look(world)) == []
    assert read(world, world.path(KEPT)).content == KEPT


def test_another_institution_neither_adds_nor_takes_away(world):
    name, key = world.found_other()
    world.register(OTHER, issuer=name, signer=key)
    assert images(look(world)) == []
    world.register(KEPT)
    world.register(OTHER, issuer=name, signer=key)
    world.register(None, issuer=name, signer=key)
    assert [each["src"] for each in images(look(world))] == [f"..{world.path(KEPT)}"]


def test_the_proof_of_a_picture_is_of_the_institution_whose_page_shows_it(world):
    """Whoever registers the same picture after it does not make a device say that it is another one."""
    world.register()
    name, key = world.found_other()
    world.register(issuer=name, signer=key)
    world.seconds += 2
    (address,) = (each["data-proof"] for each in look(world).find("details") if "data-proof" in each)
    proof = parse_photo_proof(read(world, address.removeprefix("..")).content)
    bundle = parse_bundle(read(world, f"/c/{world.code}/newest.json").content)
    session = Session(world.policy, load_rule_book(), None)
    assert verify_photo(KEPT, proof, bundle, session) == describe(KEPT)
    theirs = parse_photo_proof(read(world, f"{world.path(suffix='json')}?by={name}").content)
    assert theirs.leaf_index > proof.leaf_index
    assert read(world, f"{world.path(suffix='json')}?by=350100-77").status_code == 404


def test_markup_in_a_nameplate_is_text_in_the_alternative_too(world):
    plate = world.world.record(2)["instrument"]
    issued = world.sign(2, instrument=plate | {"name": MARKUP, "model": MARKUP})
    world.code = world.submit(issued)
    world.pump, world._version = parse_id(issued), 0
    world.register()
    for language in ("zh-CN", "en"):
        page = look(world, language)
        assert "<script>alert(1)" not in page.response.text
        assert MARKUP in images(page)[0]["alt"]


def parse_id(issued):
    return parse_signed_statement(issued.raw).statement.claims.instrument_id


def test_a_verdict_waits_for_no_photograph(world, monkeypatch):
    world.register()
    whole = look(world)

    def away(*_):
        raise StoreUnavailableError("gone")

    monkeypatch.setattr("api.photos.list_registrations", away)
    world.now += timedelta(minutes=1)
    page = look(world)
    assert (page.response.status_code, page.headline) == (200, whole.headline)
    assert images(page) == []


# --- nothing else can be fetched --------------------------------------------------------------------------


def test_nothing_of_the_store_is_there_but_what_a_registration_names(world):
    world.register()
    (certificate,) = [raw for raw in world.store.data.documents.values() if raw != KEPT]
    for path in (
        world.path(certificate),
        world.path(OTHER),
        world.path(instrument=bytes(16)),
        world.path().replace("photo-", "photo-0"),
        world.path().upper(),
        f"/i/{world.pump.hex()}/photo-.jpg",
        f"/i/{world.pump.hex()}/photo-..%2f.jpg",
        world.path(suffix="png"),
    ):
        assert read(world, path).status_code == 404, path
    for path in (
        world.path(certificate, "json"),
        world.path(OTHER, "json"),
        world.path(KEPT, "json", bytes(16)),
    ):
        assert read(world, path).status_code == 404, path


def test_what_the_law_withholds_is_not_shown_and_not_handed_out(world):
    world.register()
    digest = hashlib.sha256(KEPT).digest()
    assert read(world, world.path()).status_code == 200
    world.store.data.withheld[digest] = Withheld("榕市监〔2026〕8号", 0, b"")
    del world.store.data.documents[digest]
    world.seconds += 2
    assert read(world, world.path()).status_code == 451
    assert images(look(world)) == []
    assert read(world, world.path(suffix="json")).status_code == 200, "what was signed stays"


# --- proved -----------------------------------------------------------------------------------------------


def open_files(world):
    """Return the proof of the photograph, the bundle, and a verifier."""
    proof = parse_photo_proof(read(world, world.path(suffix="json")).content)
    bundle = parse_bundle(read(world, f"/c/{world.code}/newest.json").content)
    return proof, bundle, Session(world.policy, load_rule_book(), None)


def test_the_proof_shows_that_this_very_picture_is_registered(world):
    world.register()
    proof, bundle, session = open_files(world)
    assert verify_photo(KEPT, proof, bundle, session) == describe(KEPT)
    raw = read(world, world.path(suffix="json")).content
    assert encode_photo_proof(proof) == raw


def change(raw, at):
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def test_a_lie_about_a_photograph_is_found(world):
    world.register()
    proof, bundle, session = open_files(world)
    name, key = world.found_other()
    world.register(OTHER, issuer=name, signer=key)
    theirs = open_files_of(world, OTHER)
    elsewhere = open_other(world)
    lies = [
        (OTHER, proof, "another SHA-256"),
        (KEPT[:-2], proof, "another SHA-256"),
        (b"", proof, "another SHA-256"),
        (KEPT, replace(proof, leaf_index=proof.leaf_index - 1), ""),
        (KEPT, replace(proof, inclusion=proof.inclusion[:-1]), ""),
        (KEPT, replace(proof, leaf=change(proof.leaf, 200)), ""),
        (KEPT, replace(proof, leaf=change(proof.leaf, 5)), ""),
        (KEPT, replace(proof, checkpoint=proof.checkpoint.replace("\n", "\n1", 1)), ""),
        (KEPT, replace(proof, origin="other.example/2026"), ""),
        (OTHER, theirs, "later than the bundle's evidence"),
        (KEPT, elsewhere, ""),
    ]
    for raw, lie, reason in lies:
        with pytest.raises((VerificationError, InputError, UnavailableError), match=reason or None):
            verify_photo(raw, lie, bundle, session)
    newest = parse_bundle(read(world, f"/c/{world.code}/newest.json").content)
    with pytest.raises(VerificationError, match="another institution"):
        verify_photo(OTHER, theirs, newest, session)


def open_files_of(world, photo):
    return parse_photo_proof(read(world, world.path(photo, "json")).content)


def open_other(world):
    """Return the proof of the same picture, registered of another instrument."""
    issued = world.sign(2)
    world.submit(issued)
    pump, version = world.pump, world._version
    world.pump, world._version = parse_id(issued), 0
    world.register()
    proof = open_files_of(world, KEPT)
    world.pump, world._version = pump, version
    return proof


def test_every_member_of_the_proof_is_needed_and_no_other_is_taken(world):
    world.register()
    text = read(world, world.path(suffix="json")).text
    for name in ("type", "origin", "checkpoint", "index", "leaf", "inclusion"):
        assert f'"{name}"' in text
        with pytest.raises(InputError):
            parse_photo_proof(re.sub(f'"{name}":', '"zz":', text).encode())
    with pytest.raises(InputError, match="unknown member"):
        parse_photo_proof(text.replace('{"', '{"a":1,"', 1).encode())
