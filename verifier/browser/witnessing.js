// Step 14: which of the policy's witnesses have cosigned, and as of when it holds: verifier/witnessing.py.
import { PolicyMismatchError } from "./errors.js";
import { judgeAge, spellInstant } from "./freshness.js";
import { findQuorumTime, listSigned } from "./quorum.js";
import { Certified } from "./bls_witness.js";
import { attempt } from "./session.js";
import { failed, notChecked, passed, Step } from "./step.js";

/** What the witnesses say of one checkpoint; `asOf` null: no quorum, or the policy names no witnesses. */
export class Witnessing {
  constructor(check, asOf) {
    Object.assign(this, { check, asOf });
  }

  /** Return how old a status is; `statedAt`, the log's own word, counts only where no witnesses are named. */
  judgeAge(statedAt, now, policy) {
    if (policy.witnesses === null || this.asOf !== null) {
      return judgeAge(this.asOf ?? statedAt, now, policy.maxStatusAge);
    }
    const { en, zh } = judgeAge(statedAt, now, null).text;
    const text = { en: `${en} by the log's own word, not witnessed`, zh: `${zh}（仅账本自称，未见证）` };
    return { text, isTooOld: policy.maxStatusAge !== null };
  }
}

/** Check the cosignatures of a checkpoint, a note that the log has signed. */
export async function judgeWitnesses(session, note, now) {
  const { witnesses, clockTolerance } = session.policy;
  const open = (en, zh) => new Witnessing(notChecked(Step.QUORUM, en, zh), null);
  if (witnesses === null) return open("the policy names no witnesses", "策略未指定见证方");
  const [found, error] = await attempt(() => session.openCosignatures(note));
  if (error instanceof PolicyMismatchError) {
    return open(error.message, `策略中的见证方密钥不可用：${error.message}`);
  }
  if (error !== null) {
    return new Witnessing(failed(Step.QUORUM, error.message, `见证签名不成立：${error.message}`), null);
  }
  const latest = now + clockTolerance;
  const signed = listSigned(found, witnesses, latest);
  const certified = listSigned(found.filter((item) => item instanceof Certified), witnesses, latest);
  const asOf = findQuorumTime(signed, witnesses);
  return new Witnessing(describeWitnesses(signed, certified.length, witnesses, asOf), asOf);
}

function describeWitnesses(signed, certified, quorum, asOf) {
  const names = signed.map((item) => item.witness.name).join(", ");
  const [count, of, needed] = [signed.length, quorum.names.length, quorum.threshold];
  if (asOf === null) {
    const en = `not yet witnessed: cosigned by ${count} of ${of} witnesses, ${needed} are needed`;
    const zh = `尚未见证：${of}个见证方中已有${count}个签名，需要${needed}个`;
    return notChecked(Step.QUORUM, names ? `${en}: ${names}` : en, names ? `${zh}：${names}` : zh);
  }
  const instant = spellInstant(asOf);
  const en = certified ? `, ${certified} of them by a quorum certificate` : "";
  const zh = certified ? `，其中${certified}个由法定人数证书证明` : "";
  return passed(
    Step.QUORUM,
    `cosigned by ${count} of ${of} witnesses, ${needed} are needed${en}: ${names}; as of ${instant}`,
    `${of}个见证方中已有${count}个签名（需要${needed}个${zh}）：${names}；截至${instant}`,
  );
}
