// Types: approved where the law asks for it, with the software that was examined, and not blocked: ledger/core/type_rules.py.
import { Register } from "./authority.js";
import { nameCategory } from "./category.js";
import { encodeDate, equalBytes } from "./encoding.js";
import { typeApprovalSubject } from "./event.js";
import { RegisterState } from "./register_fields.js";
import { isWhole } from "./register_rules.js";
import { Control } from "./regulation.js";
import { judge, judgeOpen, reason } from "./rule_result.js";
import { findCitedRule } from "./rules.js";
import { TypeApprovalContent } from "./type_approval.js";

/** Check type approval, software and blocks, as of the verification date. */
export const checkType = (record, registers, book) => {
  const reasons = [...findBlocks(record, registers)];
  const number = record.instrument.typeApprovalNo;
  const isKept = isWhole(Register.TYPE_APPROVAL, record, registers);
  if (number === null) {
    if (findCitedRule(record, book)?.control !== Control.TYPE_APPROVAL_AND_VERIFICATION) {
      return judge(reasons, "no type approval is needed, and nothing is blocked", "无须型式批准，且未被停止检定");
    }
    if (isKept) reasons.push(reason("instrument.cpa_no", "needed for this category", "此类器具须经型式批准"));
    return judgeOpen(reasons, "no type approval is named", "未注明型式批准号");
  }
  const content = registers.findOn(typeApprovalSubject(number), TypeApprovalContent, record.verifiedOn);
  if (content === null) {
    if (isKept) reasons.push(reason("instrument.cpa_no", `${number} is not registered`, `${number}未登记`));
    return judgeOpen(reasons, `type approval not on record: ${number}`, `型式批准未见登记：${number}`);
  }
  reasons.push(...findFaults(record, content));
  return judge(reasons, `of the approved type ${number}, not blocked`, `符合型式批准${number}，未被停止检定`);
};

function* findBlocks({ instrument, verifiedOn }, registers) {
  const { maker, model, serial } = instrument;
  for (const block of maker === null ? [] : registers.listBlocks(maker)) {
    if (block.state !== RegisterState.ACTIVE || block.validFrom > verifiedOn || !block.covers(model, serial)) continue;
    const [no, day] = [block.decision.number, encodeDate(block.decision.dated)];
    yield reason("instrument", `blocked by decision ${no} of ${day}`, `依${day}第${no}号决定停止检定`);
  }
}

function* findFaults({ instrument, verifiedOn }, content) {
  const { number, models, validUntil } = content;
  if (content.state !== RegisterState.ACTIVE) {
    yield reason("instrument.cpa_no", `${number} is ${content.state}`, `${number}已暂停或撤销`);
  } else if (validUntil !== null && validUntil < verifiedOn) {
    const until = encodeDate(validUntil);
    yield reason("instrument.cpa_no", `${number} was good until ${until}`, `${number}有效期至${until}`);
  }
  if (instrument.category !== content.category) yield differs("category", nameCategory(content.category));
  if (instrument.maker !== content.maker) yield differs("maker", content.maker);
  if (models.size && !models.has(instrument.model)) yield differs("model", [...models].sort().join(", "));
  if (content.software.length && !isApproved(instrument.software, content)) {
    const names = content.software.map(({ id }) => id).join(", ");
    const [en, zh] =
      instrument.software === null
        ? [`needed: the type approval names ${names}`, `须注明：型式批准列明软件${names}`]
        : [`is not what was examined with the type (${names})`, `与型式批准的软件不符（${names}）`];
    yield reason("instrument.software", en, zh);
  }
}

const differs = (name, registered) =>
  reason(`instrument.${name}`, `the type approval is for ${registered}`, `型式批准为${registered}`);

/** Whether software is what was examined: by name, and by hash wherever the approval has one. */
const isApproved = (software, content) =>
  content.software.some(
    ({ id, digest }) =>
      id === software?.id && (digest === null || (software.digest !== null && equalBytes(digest, software.digest))),
  );
