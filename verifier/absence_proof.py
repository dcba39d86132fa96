"""What a proof of absence shows: the ledger has no such certificate, or no verification of such an instrument.

>>> report, absence = verify_absence_proof(parse_absence_proof(raw), session, now)
>>> report.verdict
<Verdict.INVALID: 'INVALID'>
"""

from datetime import datetime

from ledger.core.absence_proof import Absence, AbsenceProof, MissingCertificate, show_absence
from ledger.core.errors import InputError, VerificationError
from ledger.core.policy import require_origin
from ledger.core.step import Sentence, Step, Verdict, passed
from verifier import checks
from verifier.report import Report
from verifier.session import Session
from verifier.state_proof import judge_shown, open_state, report_state
from verifier.verify import ChainLook


def verify_absence_proof(
    proof: AbsenceProof, session: Session, now: datetime, look: ChainLook | None = None
) -> tuple[Report, Absence | None]:
    """Check a proof of absence, offline unless `look` is given.

    Args:
        proof: parsed, not verified.
        session: what to believe.
        now: the verifier's clock, aware UTC.
        look: step 16, which is then required.

    Returns:
        The report, and what the ledger does not have; None if the proof does not hold.

    Raises:
        PolicyMismatchError: it is of another log.
    """
    require_origin(session.policy, proof.origin)
    opened, found = open_state(proof, None, session, now, look)
    if opened is None:
        return report_state(found, Verdict.INVALID, session, None, look), None
    try:
        absence = show_absence(proof, opened.established)
    except (InputError, VerificationError) as err:
        found.append(checks.from_error(Step.STATUS, err))
        return report_state(found, Verdict.INVALID, session, None, look), None
    note = describe_absence(proof, absence)
    found.append(passed(Step.AUTHORITY, "the registers lead to the pinned root", "登记信息可追溯至信任根"))
    found.append(judge_shown(note.en, note.zh, opened.age))
    verdict = Verdict.UNKNOWN if absence is Absence.NO_VERIFICATION else Verdict.INVALID
    return report_state(found, verdict, session, note, look), absence


def describe_absence(proof: AbsenceProof, absence: Absence) -> Sentence:
    """Say what the ledger does not have, in one sentence."""
    missing = proof.missing
    if isinstance(missing, MissingCertificate):
        return Sentence(
            f"institution {missing.issuer} has no certificate {missing.number} in the ledger",
            f"账本中没有机构{missing.issuer}的证书{missing.number}",
        )
    name = missing.instrument_id.hex()
    en = (
        f"instrument {name} as a whole"
        if missing.part is None
        else f"part {missing.part} of instrument {name}"
    )
    zh = f"器具{name}（整机）" if missing.part is None else f"器具{name}的部件{missing.part}"
    if absence is Absence.NO_INSTRUMENT:
        return Sentence(f"the ledger knows nothing of {en}", f"账本中没有{zh}的任何记录")
    return Sentence(f"the ledger has no verification of {en}", f"账本中没有{zh}的检定记录")
