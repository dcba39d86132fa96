// Who may: what every event asks of the key, the institution or the authority that speaks: ledger/core/powers.py.
import { encodeHex } from "./encoding.js";
import { RegisterState } from "./register_fields.js";

/** Ends the judging of an event; its text is the reason. */
export class NoEffectError extends Error {}

/** Give an event no effect. */
export const deny = (reason) => {
  throw new NoEffectError(reason);
};

/** The day, UTC, of an instant. */
export const dayOf = (instant) => Math.floor(instant / 86_400_000);

/** Require an active institution, of this trade, and a key of its own. */
export const checkInstitution = (issuer, keyId, index, registers, trade) => {
  const institution = registers.institutions.get(issuer);
  if (institution?.state !== RegisterState.ACTIVE) deny(`institution ${issuer} is not registered or not active`);
  checkKey(registers, keyId, issuer, index);
  if (institution.trade !== trade) deny(`${issuer} is registered for ${institution.trade}, not ${trade}`);
  return institution;
};

/** Require that nothing has happened to the subject that the statement does not know of. */
export const checkVersion = ({ expectedVersion }, before) => {
  const version = before?.version ?? 0;
  if (expectedVersion !== version) {
    deny(`expects version ${expectedVersion} of its subject, which is at version ${version}`);
  }
};

/** Require that a key is registered for its owner and active at this index. */
export const checkKey = (registers, keyId, owner, index) => {
  const known = registers.keys.get(encodeHex(keyId));
  if (known?.owner !== owner) deny(`the key is not registered for ${owner}`);
  if (!known.isActiveAt(index)) deny("the key is not active at this index");
};

/** Require that the statement is of an authority that may decide this, there and on that day. */
export const checkPower = (signed, power, divisions, index, sequencedAt, registers) => {
  const { issuer } = signed.statement;
  const authority = registers.authorities.get(issuer);
  if (authority?.state !== RegisterState.ACTIVE) deny(`authority ${issuer} is not registered or not active`);
  checkKey(registers, signed.keyId, issuer, index);
  if (!authority.powers.has(power)) deny(`authority ${issuer} has no power to register a ${power}`);
  const day = dayOf(sequencedAt);
  if (day < authority.validFrom || day > authority.validUntil) deny(`authority ${issuer} does not decide on that day`);
  const outside = divisions.find((division) => !division.startsWith(authority.division));
  if (outside !== undefined) deny(`division ${outside || "anywhere"} is outside that of authority ${issuer}`);
};
