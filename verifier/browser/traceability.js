// Where the values of a measurement standard come from: ledger/core/traceability.py.
import { encodeDate } from "./encoding.js";
import { standardSubject } from "./event.js";
import { RegisterState } from "./register_fields.js";
import { StandardContent } from "./standard.js";

const MAX_STEPS = 16;

/** Follow a standard to its ends: `{breaks, primaries, roots, unproved}`; `breaks` are pairs of sentences. */
export const walkChain = (reference, day, registers) => {
  const chain = { breaks: new Map(), primaries: new Set(), roots: new Set(), unproved: new Set() };
  walk(reference, day, registers, [], chain);
  return { ...chain, breaks: [...chain.breaks.values()] };
};

/** The standards of this log that a standard's main instruments were compared with. */
export const listSources = ({ instruments }) =>
  instruments.map(({ source }) => source).filter((source) => source !== null && typeof source === "object");

const walk = (reference, day, registers, path, chain) => {
  const name = `${reference.institution}/${reference.id}`;
  const content = registers.findOn(standardSubject(reference.institution, reference.id), StandardContent, day);
  const fault = findFault(content, name, day, path);
  if (fault !== null) chain.breaks.set(fault.join("\n"), fault);
  else if (content.isPrimary) chain.primaries.add(content.name);
  else {
    for (const { source, certificateNo, dated } of content.instruments) {
      if (source === null) chain.unproved.add(certificateNo);
      else if (typeof source === "string") chain.roots.add(source);
      else walk(source, dated, registers, [...path, name], chain);
    }
  }
};

/** Why a standard leads nowhere, in English and Chinese, or null. */
const findFault = (content, name, day, path) => {
  const on = encodeDate(day);
  if (path.includes(name)) return [`${name} is traced to itself`, `${name}溯源至其自身`];
  if (content === null) return [`${name} is not registered`, `${name}未登记`];
  if (content.state !== RegisterState.ACTIVE) return [`${name} was ${content.state} on ${on}`, `${name}在${on}已暂停或撤销`];
  if (content.validUntil < day) {
    const [until, no] = [encodeDate(content.validUntil), content.examinationNo];
    return [`${name} had run out on ${on}: ${no} is good until ${until}`, `${name}在${on}已过有效期：${no}有效期至${until}`];
  }
  if (path.length >= MAX_STEPS) return [`more than ${MAX_STEPS} steps`, `溯源超过${MAX_STEPS}级`];
  if (content.isPrimary || content.instruments.length) return null;
  return [`${name} names no main instrument`, `${name}未列主标准器`];
};
