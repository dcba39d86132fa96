"""From an input document to a draft: the verification record without what the desk adds when it signs.

    input document   what a person or a LIMS writes, see `issuer/README.md`
    draft            its record, checked member by member; personal values beside it, not in it

The desk adds: version, issuer, number (unless given), nonce, commitments. It fills in, where they are absent: the
instrument's id, the regulation in force on the verification date, the longest validity that regulation allows,
the day of issue (that of the approver's signature) and the type of document. Everything else is taken as given.

A draft is parsed, not validated: whoever holds one holds a well-formed record. Whether it may be issued is for
the gate to say. Faults are gathered, one for each top-level member at least.

>>> draft = parse_draft(value, context)
>>> draft.record.conclusion.name, draft.personal[0].name
('PASS', 'applicant')
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from ledger.core.canonical import JsonObject, JsonValue, encode_canonical_json
from ledger.core.category import Category, parse_category
from ledger.core.calendar_rules import days_from_date
from ledger.core.certificate import RECORD_VERSION, Record, Role, parse_record
from ledger.core.encoding import parse_date, parse_instant
from ledger.core.errors import InputError, MalformedDocumentError, UnitError
from ledger.core.fields import Reader
from ledger.core.ids import CertificateNumber, InstitutionId
from ledger.core.regulation import RuleBook, RuleRow, latest_allowed_valid_until
from ledger.core.rules import VALIDITY_NAMES, build_issue_claims
from ledger.core.statement import IssueClaims
from ledger.core.unit import parse_unit

from issuer.day_offset import resolve_date, resolve_instant
from issuer.faults import merge_errors
from issuer.identity import find_instrument_id
from issuer.personal import HIDDEN, PersonalMember, parse_party, parse_personal_text
