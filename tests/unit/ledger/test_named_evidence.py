"""Evidence of a document holds what it names, and nothing of the institution's other persons and standards."""

from datetime import timedelta

import pytest
from fakes import MemoryStore
from further_kinds import to_paper
from ledger_in_memory import INSTITUTION, NOW, START
from registered import (
    INSTITUTE,
    MAKER,
    MATERIAL,
    PARENT,
    STANDARD,
    TIMES,
    TYPE,
    RegisteredLedger,
    canonical,
    make_registered_record,
    seal_by_all,
)
from world import Clock

from ledger.core.authority import CompromiseContent, InstitutionContent, encode_compromise_content
from ledger.core.bundle import parse_bundle
from ledger.core.entry import parse_leaf
from ledger.core.event import EventType, maker_subject, person_subject
from ledger.core.person import PersonContent
from ledger.core.register_content import parse_content
from ledger.core.register_fields import RegisterState
from ledger.core.statement import parse_signed_statement
from ledger.core.step import Outcome, Step, Verdict
from ledger.core.type_approval import BlockContent
from ledger.log import Log
from ledger.named import find_named
from ledger.proving import Prover
from ledger.submission import Submission
from verifier.report import DocumentStatus
from verifier.verify import verify_bundle

ROOTS = frozenset({"NIM"})


class Line:
    """A log with whole registers, and the prover of it."""

    def __init__(self):
        self.world = RegisteredLedger()
        self.store = MemoryStore()
        self.log = Log(self.store, self.world.origin, self.world.log_signer, Clock(START))
        statements = (parse_leaf(leaf).statement_raw for leaf in self.world.leaves)
        for raw in statements:
            self.submit(raw)

    def submit(self, raw, body=None):
        (result,) = self.log.append([Submission(parse_signed_statement(raw), body)])
        return result.leaf_index

    def issue(self, **changes):
        credential = seal_by_all(make_registered_record(**changes), TIMES)
        return self.submit(self.world.sign_issue(credential), canonical(credential))

    def bundle(self, index):
        prover = Prover(self.store, self.world.origin)
        checkpoint = prover.newest_checkpoint()
        receipt = self.world.receipt(1, tree_size=checkpoint.tree_size, root_hash=checkpoint.root_hash)
        return parse_bundle(prover.bundles([index], checkpoint, receipt)[0])

    def verify(self, bundle):
        session = self.world.session(traceability_roots=ROOTS)
        return verify_bundle(bundle, session, NOW)


@pytest.fixture
def line():
    return Line()


def contents(bundle):
    """Return the register contents in a bundle's evidence."""
    statements = [
        parse_signed_statement(parse_leaf(raw).statement_raw).statement for _, raw in bundle.evidence.leaves
    ]
    return [parse_content(statement.type, statement.claims.content) for statement in statements]


def outcomes(report):
    return {check.step: (check.outcome, check.warning) for check in report.checks}


def test_what_a_document_names_is_proved_beside_it(line):
    bundle = line.bundle(line.issue())
    report = line.verify(bundle)
    assert report.verdict is Verdict.VALID
    for step in (Step.SCOPE, Step.PERSONS, Step.STANDARDS, Step.TYPE, Step.REGULATION, Step.SEAL):
        assert outcomes(report)[step] == (Outcome.PASSED, False), report.checks
    found = contents(bundle)
    assert {STANDARD, PARENT, MATERIAL, TYPE} <= set(found)
    assert {content.id for content in found if isinstance(content, PersonContent)} == {
        "P-0001",
        "P-0002",
        "P-0003",
    }
    assert {content.id for content in found if isinstance(content, InstitutionContent)} == {
        INSTITUTION,
        INSTITUTE,
    }


def test_what_it_does_not_name_is_left_out(line):
    line.submit(line.world.person("P-0004"))
    line.submit(line.world.standard(STANDARD, id="350100-18"))
    line.submit(line.world.block(id="B-9", maker="别家"))
    found = contents(line.bundle(line.issue()))
    assert not [content for content in found if getattr(content, "id", "") in {"P-0004", "350100-18", "B-9"}]


def test_what_is_registered_later_makes_a_warning_of_it(line):
    index = line.issue()
    line.submit(line.world.standard(version=1, valid_from=STANDARD.valid_from, state=RegisterState.SUSPENDED))
    line.submit(line.world.block())
    report = line.verify(line.bundle(index))
    assert report.verdict is Verdict.ATTENTION
    assert outcomes(report)[Step.STANDARDS] == (Outcome.PASSED, True)
    assert outcomes(report)[Step.TYPE] == (Outcome.PASSED, True)
    assert outcomes(report)[Step.PERSONS] == (Outcome.PASSED, False)


def test_a_block_cannot_be_left_out(line):
    line.submit(line.world.block())
    bundle = line.bundle(line.issue())
    assert outcomes(line.verify(bundle))[Step.TYPE][0] is Outcome.FAILED
    assert [content for content in contents(bundle) if isinstance(content, BlockContent)]


def test_the_compromise_of_a_persons_key_comes_with_the_person(line):
    index = line.issue()
    person = line.world.registers.find_newest(person_subject(INSTITUTION, "P-0001"), PersonContent)
    content = encode_compromise_content(CompromiseContent(INSTITUTION, person.key, START - timedelta(days=1)))
    line.submit(line.world.by_authority(EventType.KEY_COMPROMISED_FROM, content))
    report = line.verify(line.bundle(index))
    assert outcomes(report)[Step.PERSONS] == (Outcome.PASSED, True)


def test_a_new_key_of_a_person_says_nothing_against_what_the_old_one_signed(line):
    index = line.issue()
    line.submit(line.world.person("P-0001", version=1, signer="P-0001 new"))
    assert line.verify(line.bundle(index)).verdict is Verdict.VALID
    assert outcomes(line.verify(line.bundle(line.issue(number=2))))[Step.PERSONS][0] is Outcome.FAILED


def test_names_are_read_from_any_document():
    named = find_named(INSTITUTION, {"credentialSubject": make_registered_record()})
    assert (named.maker, len(named.subjects)) == (maker_subject(MAKER), 6)
    assert named.regulation == ("FUEL_DISPENSER", "JJG443-2023")
    for record in (7, {"persons": [1], "instrument": [], "crms": {}}, {}):
        bare = find_named(INSTITUTION, {"credentialSubject": record})
        assert (bare.subjects, bare.regulation, bare.maker) == (frozenset(), None, None)


def test_evidence_of_a_paper_shows_who_has_entered_it():
    line = Line()
    credential = seal_by_all(to_paper(make_registered_record()), TIMES)
    bundle = line.bundle(line.submit(line.world.sign_issue(credential), canonical(credential)))
    named = find_named(INSTITUTION, credential)
    assert person_subject(INSTITUTION, "P-0001") in named.subjects
    persons = [
        parse_content(EventType.PERSON, signed.statement.claims.content).id
        for signed in (
            parse_signed_statement(parse_leaf(leaf).statement_raw) for _, leaf in bundle.evidence.leaves
        )
        if signed.statement.type is EventType.PERSON
    ]
    assert persons == ["P-0001"]
    report = line.verify(bundle)
    assert (report.verdict, report.status) == (Verdict.ATTENTION, DocumentStatus.PAPER)
