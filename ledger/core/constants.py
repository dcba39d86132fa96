"""The one table of constants that every implementation of these formats shares.

Solidity and JavaScript take theirs from here; `ledger/core/README.md` shows each in an example.
"""

STATEMENT_DOMAIN = b"hengzheng/statement/v1\x00"
"""Prefix of a statement's COSE external_aad; SHA-256 of the log's origin follows."""

CODE_DOMAIN = b"hengzheng/code/v1\x00"
"""Prefix of the statement whose SHA-256 gives the short printed code."""

SUBJECT_DOMAIN = b"hengzheng/subject/v1\x00"
"""Prefix of kind and identity of what an event is about."""

INSTRUMENT_DOMAIN = b"hengzheng/instrument/v1\x00"
"""Prefix of the canonical identity of a measuring instrument."""

ENDORSEMENT_DOMAIN = b"hengzheng/endorsement/v1\x00"
"""Prefix of what root keys and new keys sign; SHA-256 of the log's origin, type and content follow."""

RECEIPT_DOMAIN = b"hengzheng/receipt/v1\x00"
"""Prefix of the canonical fields of an anchor receipt, signed by the log key."""

SEALS_DOMAIN = b"hengzheng/seals/v1\x00"
"""Prefix of the canonical list of seals whose SHA-256 is cut to 8 bytes in a statement."""

SERIAL_DOMAIN = b"hengzheng/serial/v1\x00"
"""Prefix of a serial number too long for a statement."""

REFUSAL_DOMAIN = b"hengzheng/refusal/v1\x00"
"""Prefix of the canonical fields of a signed refusal."""

RULE_BOOK_DOMAIN = b"hengzheng/rule-book/v1\x00"
"""Prefix of the SHA-256 of both tables of rules: names the rules by which a report judged."""

QUORUM_DOMAIN = b"hengzheng/quorum/v1\x00"
"""Prefix of what witnesses sign in a quorum certificate: time in whole minutes (8 bytes) and checkpoint follow."""

STICKER_DOMAIN = b"hengzheng/sticker/v1\x00"
"""Prefix of seed, roll and number of a sticker (4 bytes, big-endian), whose SHA-256 gives the tag in its id."""

REPORT_DOMAIN = b"hengzheng/report/v1\x00"
"""Prefix of the file of a consumer's report, whose SHA-256 is logged, see `core.report`."""
