// Who may put a sticker on and take it off: ledger/core/fold_stickers.py, without registrations of instruments.
import { findDecisionFault } from "./act.js";
import { Power, Trade } from "./authority.js";
import { encodeHex } from "./encoding.js";
import { BrokenSignatureError, InputError } from "./errors.js";
import { checkInstitution, checkPower, checkVersion, deny, NoEffectError } from "./powers.js";
import { RegisterState } from "./register_fields.js";
import { Effect, Status, SubjectState, Void } from "./status.js";
import { findRoll, isOfRoll } from "./sticker.js";
import { StickerBinding } from "./sticker_use.js";

/** What is said of a sticker does at this index: an `Effect`, or a `Void`; its signature has been verified already. */
export const judgeSticker = (signed, content, index, sequencedAt, registers, view) => {
  try {
    return content instanceof StickerBinding
      ? judgeBinding(signed, content, index, view, registers)
      : judgeRelease(signed, content, index, sequencedAt, view, registers);
  } catch (error) {
    if (![NoEffectError, InputError, BrokenSignatureError].some((kind) => error instanceof kind)) throw error;
    return new Void(content.subject, error.message);
  }
};

/** What a binding does. */
export const judgeBinding = (signed, content, index, view, registers) => {
  requireVerifier(signed, index, registers);
  const roll = requireRoll(content.sticker, registers);
  checkOwn(signed.statement, roll);
  if (roll.state !== RegisterState.ACTIVE) {
    deny(`roll ${roll.roll} is ${roll.state}: none of its stickers is bound any more`);
  }
  const before = view(content.subject);
  checkVersion(signed.statement, before);
  if (before?.status === Status.ACTIVE) {
    deny(`sticker ${content.sticker} stands on an instrument since leaf ${before.lastEvent}`);
  }
  return buildEffect(content.subject, before, [
    [content.subject, follow(before, Status.ACTIVE, index)],
    [content.placement, follow(view(content.placement), Status.ACTIVE, index)],
  ]);
};

/** What a release does. */
export const judgeRelease = (signed, content, index, sequencedAt, view, registers) => {
  const { binding } = content;
  checkReleaser(signed, content, index, sequencedAt, registers);
  const [before, placed] = [view(content.subject), view(binding.placement)];
  checkVersion(signed.statement, before);
  if (before?.status !== Status.ACTIVE) deny(`sticker ${binding.sticker} stands on no instrument`);
  if (placed === null || placed.lastEvent < before.lastEvent) {
    deny(`sticker ${binding.sticker} stands on another instrument`);
  }
  const changes = [[content.subject, follow(before, Status.INACTIVE, index)]];
  if (placed.lastEvent === before.lastEvent) {
    changes.push([binding.placement, follow(placed, Status.INACTIVE, index)]);
  }
  return buildEffect(content.subject, before, changes);
};

const requireVerifier = ({ statement, keyId }, index, registers) =>
  checkInstitution(statement.issuer, keyId, index, registers, Trade.VERIFICATION);

const requireRoll = (sticker, registers) => {
  const roll = registers.rolls.get(findRoll(sticker));
  return roll && isOfRoll(sticker, roll) ? roll : deny(`sticker ${sticker} was never given out`);
};

const checkOwn = ({ issuer }, { roll, institution }) => {
  if (issuer !== institution) deny(`roll ${roll} is of ${institution}, not of ${issuer}`);
};

/** Require the institution that the roll was allotted to, or an authority over it with its decision. */
const checkReleaser = (signed, content, index, sequencedAt, registers) => {
  const { statement } = signed;
  const roll = requireRoll(content.binding.sticker, registers);
  const byAuthority = registers.authorities.has(statement.issuer);
  if (byAuthority) {
    const { division } =
      registers.institutions.get(roll.institution) ?? deny(`institution ${roll.institution} is not registered`);
    checkPower(signed, Power.CERTIFICATE, [division], index, sequencedAt, registers);
  } else {
    requireVerifier(signed, index, registers);
    checkOwn(statement, roll);
  }
  const fault = findDecisionFault(statement.type, content.decision, { byAuthority, isAdverse: true });
  if (fault !== null) deny(fault);
};

const follow = (before, status, index) => new SubjectState(status, (before?.version ?? 0) + 1, index, null);

const buildEffect = (subject, before, changes) => {
  const states = new Map(changes.map(([one, state]) => [encodeHex(one), state]));
  return new Effect(subject, before === null ? null : before.lastEvent, states);
};
