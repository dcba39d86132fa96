"""Status as of a past instant: on random instants it is what a naive fold gives, and every lie is found."""

import random
from bisect import bisect_right
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from acts import SECOND, People
from api_world import MemoryReceipts
from fakes import MemoryStore
from world import INSTITUTION, ORIGIN, Clock, World, submit

from ledger.core.as_of import encode_as_of, parse_as_of
from ledger.core.bundle import parse_bundle
from ledger.core.data import load_rule_book
from ledger.core.entry import parse_leaf
from ledger.core.errors import InputError, LedgerError, NotFoundError, VerificationError
from ledger.core.event import EventType
from ledger.core.ids import LeafIndex
from ledger.core.replay import Replay
from ledger.core.step import Outcome, Step
from ledger.log import Log
from ledger.proving import Prover
from verifier.checks import find_stated_status
from verifier.past import verify_as_of
from verifier.report import DocumentStatus, find_heaviest
from verifier.session import Session
