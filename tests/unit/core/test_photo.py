"""Which bytes may be a registered photograph: a plain JPEG, and nothing beside its pixels."""

import hashlib
import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from photos import KEPT, OTHER, describe, paint, save, taken_by_phone
from stickers import REGISTRATION

from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.photo import (
    MAX_PHOTO_BYTES,
    MAX_PHOTO_SIDE,
    Photograph,
    check_photo,
    describe_photo,
    measure_photo,
)
from ledger.core.registration import encode_instrument_content, parse_instrument_content

DAY = date(2026, 2, 28)
PHOTO = describe(KEPT)
WITH_PHOTO = replace(REGISTRATION, photo=PHOTO)
SCAN = KEPT.index(b"\xff\xda")
COMMENT = b"\xff\xfe\x00\x06code"
EXIF = b"\xff\xe1\x00\x0cExif\0\0place"[:14]
RESTART = b"\xff\xdd\x00\x04\x00\x01"


def test_a_plain_jpeg_is_measured_and_described():
    assert measure_photo(KEPT) == (64, 48)
    assert describe_photo(KEPT, DAY) == Photograph(hashlib.sha256(KEPT).digest(), 64, 48, DAY)
    check_photo(KEPT, PHOTO)
    assert measure_photo(save(paint((MAX_PHOTO_SIDE, 10)))) == (MAX_PHOTO_SIDE, 10)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "a JPEG"),
        (b"\xff\xd8", "no parts but"),
        (save(paint(), "PNG"), "a JPEG"),
        (b"GIF89a" + KEPT, "a JPEG"),
        (b"<script>alert(1)</script>", "a JPEG"),
        (b" " + KEPT, "a JPEG"),
        (KEPT[:2] + EXIF + KEPT[2:], "no parts but"),
        (KEPT[:2] + COMMENT + KEPT[2:], "no parts but"),
        (KEPT[:SCAN] + COMMENT + KEPT[SCAN:], "no parts but"),
        (KEPT[:SCAN] + RESTART + KEPT[SCAN:], "no parts but"),
        (KEPT + b"\0", "its end"),
        (KEPT + KEPT, "its end"),
        (KEPT + b"<html>", "its end"),
        (KEPT[:-2], "its end"),
        (KEPT[:-1], "its end"),
        (KEPT[:SCAN], "no parts but"),
        (KEPT[: SCAN + 3], "no parts but"),
        (KEPT[: SCAN + 20] + b"\xff\xd0" + KEPT[SCAN + 20 :], "its end"),
        (KEPT[: SCAN + 20] + b"\xff\xfe" + KEPT[SCAN + 20 :], "its end"),
        (KEPT.replace(b"JFIF", b"EVIL"), "no application data"),
        (save(paint(), progressive=True), "no parts but"),
        (save(paint().convert("L")), "one frame"),
        (save(paint().convert("CMYK")), "no parts but"),
        (save(paint((MAX_PHOTO_SIDE + 1, 10))), "sides of 1 to 1280"),
        (save(paint((10, MAX_PHOTO_SIDE + 1))), "sides of 1 to 1280"),
        (taken_by_phone((200, 100)), "no parts but"),
        (KEPT[:2] + b"\xff\xdb\xff\xff" + KEPT[2:], "no parts but"),
        (KEPT[:2] + b"\xff\xdb\x00\x00" + KEPT[2:], "no parts but"),
        (b"\xff\xd8" + bytes(MAX_PHOTO_BYTES), f"at most {MAX_PHOTO_BYTES}"),
    ],
)
def test_anything_else_is_refused(raw, reason):
    with pytest.raises(MalformedDocumentError, match=re.escape(reason)):
        measure_photo(raw)


@given(
    st.binary(max_size=300)
    | st.builds(lambda at, by: KEPT[:at] + by + KEPT[at:], st.integers(0, len(KEPT)), st.binary(max_size=8))
)
def test_whatever_comes_is_measured_or_refused(raw):
    try:
        width, height = measure_photo(raw)
    except InputError:
        return
    assert 1 <= width <= MAX_PHOTO_SIDE
    assert 1 <= height <= MAX_PHOTO_SIDE


@pytest.mark.parametrize(
    ("raw", "changes", "reason"),
    [
        (OTHER, {}, "another SHA-256"),
        (KEPT[:-2], {}, "another SHA-256"),
        (KEPT, {"width": 63}, "another size"),
        (KEPT, {"height": 49}, "another size"),
    ],
)
def test_another_picture_than_is_named_is_refused(raw, changes, reason):
    with pytest.raises(MalformedDocumentError, match=reason):
        check_photo(raw, replace(PHOTO, **changes))


def test_a_registration_names_its_picture():
    raw = encode_instrument_content(WITH_PHOTO)
    assert parse_instrument_content(raw) == WITH_PHOTO
    member = f'"photo":{{"height":48,"sha256":"{PHOTO.digest.hex()}","taken_on":"2026-02-28","width":64}}'
    assert member in raw.decode()


@pytest.mark.parametrize(
    ("good", "bad", "field"),
    [
        ('"height":48', '"height":0', "photo.height"),
        ('"height":48', '"height":1281', "photo.height"),
        ('"height":48', '"height":"48"', "photo.height"),
        ('"width":64', '"width":64,"x":1', "unknown member"),
        (',"width":64', "", "photo.width"),
        ('"taken_on":"2026-02-28"', '"taken_on":"2026-02-30"', "photo.taken_on"),
        ('"sha256":"', '"sha256":"00', "photo.sha256"),
        (f'"sha256":"{PHOTO.digest.hex()}"', f'"sha256":"{PHOTO.digest.hex().upper()}"', "photo.sha256"),
    ],
)
def test_another_form_of_the_member_is_refused(good, bad, field):
    text = encode_instrument_content(WITH_PHOTO).decode()
    assert good in text
    with pytest.raises(InputError, match=field):
        parse_instrument_content(text.replace(good, bad, 1).encode())
