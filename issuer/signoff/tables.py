"""Tables of the sign-off, in the desk's own database beside `issuer.tables`, whose spelling rules they keep.

Revisions, rows, submissions, signatures, actions, openings and voided numbers are only ever added to: what somebody
wrote, signed, returned or looked at stays readable. A draft's own row says where it stands now.
"""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text

from issuer.signoff.states import Action, DraftState
from issuer.tables import metadata

_Position = BigInteger().with_variant(Integer, "sqlite")
_STATES: Final = ", ".join(f"'{state}'" for state in DraftState)
_ACTIONS: Final = ", ".join(f"'{action}'" for action in Action)

applications = Table(
    "desk_applications",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("request_id", Text, nullable=False, unique=True),
    Column("content_digest", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("accepted_by", Text, nullable=False),
    Column("accepted_at_ms", BigInteger, nullable=False),
)
"""Applications that were accepted (受理); `content` is canonical JSON with personal data."""

drafts = Table(
    "desk_drafts",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("request_id", Text, nullable=False, unique=True),
    Column("content_digest", LargeBinary, nullable=False),
    Column("application", BigInteger),
    Column("corrects", Text),
    Column("state", Text, CheckConstraint(f"state IN ({_STATES})"), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("operator", Text, nullable=False),
    Column("checker", Text),
    Column("approver", Text),
    Column("number", Text, unique=True),
    Column("subject", LargeBinary),
    Column("verified_on", Text),
    Column("title", Text, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    CheckConstraint("(state IN ('draft', 'discarded')) = (number IS NULL)", name="drafts_frozen_has_number"),
    Index("desk_drafts_state_idx", "state", "position"),
    Index("desk_drafts_subject_idx", "subject"),
)
"""Every draft, and where it stands: `sequence` counts what was done to it, `revision` its contents, both from 1.

`request_id` and `content_digest` are those of its creation: the same again is the same draft. `corrects` is the
number of the document that it is to correct.
"""

revisions = Table(
    "desk_revisions",
    metadata,
    Column("draft", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)
"""What the operator wrote: an input document in canonical JSON, personal members in the clear."""

draft_rows = Table(
    "desk_draft_rows",
    metadata,
    Column("file", LargeBinary, primary_key=True),
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("draft", BigInteger, primary_key=True, autoincrement=False),
    Column("content_digest", LargeBinary, nullable=False),
    Index("desk_draft_rows_draft_idx", "draft"),
)
"""From which rows of which files drafts were made: `file` is SHA-256 of the file, `content_digest` of the row as it
was given. Only ever added to, in the transaction that makes the draft."""

submissions = Table(
    "desk_submissions",
    metadata,
    Column("draft", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Text, nullable=False, unique=True),
    Column("brings_number", Integer, CheckConstraint("brings_number IN (0, 1)"), nullable=False),
    Column("issuer_did", Text, nullable=False),
    Column("record", LargeBinary, nullable=False),
    Column("disclosure", LargeBinary),
)
"""What was fixed when the operator submitted: number, nonce and commitments are inside; see `freezing`."""

signatures = Table(
    "desk_signatures",
    metadata,
    Column("draft", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("role", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("signed_at_ms", BigInteger, nullable=False),
    Column("proof", LargeBinary),
)
"""Who signed a submission in which role; `proof` is canonical JSON, absent where a person signs by time."""

actions = Table(
    "desk_actions",
    metadata,
    Column("draft", BigInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("action", Text, CheckConstraint(f"action IN ({_ACTIONS})"), nullable=False),
    Column("person", Text, nullable=False),
    Column("reason", Text),
    Column("done_at_ms", BigInteger, nullable=False),
)
"""What was done to every draft, in order; `revision` is the one that it left behind."""

voided_numbers = Table(
    "desk_voided_numbers",
    metadata,
    Column("number", Text, primary_key=True),
    Column("draft", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("voided_at_ms", BigInteger, nullable=False),
)
"""Numbers of submissions that were returned (作废): never given again."""

openings = Table(
    "desk_openings",
    metadata,
    Column("draft", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("person", Text, primary_key=True),
    Column("opened_at_ms", BigInteger, nullable=False),
)
"""Who has opened which submission to look at it, and when for the first time."""

batches = Table(
    "desk_batches",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("approver", Text, nullable=False),
    Column("seed", LargeBinary, nullable=False),
    Column("drawn_at_ms", BigInteger, nullable=False),
)
"""Approvals of several documents in one go; `seed` is what the sample was drawn with."""

batch_members = Table(
    "desk_batch_members",
    metadata,
    Column("batch", BigInteger, primary_key=True, autoincrement=False),
    Column("draft", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("in_sample", Integer, CheckConstraint("in_sample IN (0, 1)"), nullable=False),
    Index("desk_batch_members_draft_idx", "draft"),
)
"""What a batch holds, and what of it must be opened first."""

correction_requests = Table(
    "desk_correction_requests",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("number", Text, nullable=False),
    Column("type", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("document", LargeBinary),
    Column("asked_by", Text, nullable=False),
    Column("asked_at_ms", BigInteger, nullable=False),
    Column(
        "state", Text, CheckConstraint("state IN ('asked', 'granted', 'done', 'refused')"), nullable=False
    ),
    Column("decided_by", Text),
    Column("decided_at_ms", BigInteger),
    Column("answer", Text),
    Column("leaf_index", BigInteger),
    CheckConstraint("(state = 'asked') = (decided_by IS NULL)", name="requests_decided_by_somebody"),
    Index("desk_correction_requests_number_idx", "number"),
)
"""What somebody has asked to be done to an issued document, and what somebody else has decided."""
