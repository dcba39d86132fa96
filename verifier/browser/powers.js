/** powers.py: who may; what every event asks of the key, the institution or the authority that speaks. */
import { Power } from "./authority.js";
import { encodeHex } from "./encoding.js";
import { RegisterState } from "./register_fields.js";

/** Ends the judging of an event; its text is the reason. */
export class NoEffectError extends Error {}

/** Give an event no effect. */
export const deny = (reason) => {
  throw new NoEffectError(reason);
};

/** Give acts no effect: for folds that hold no issues. */
export const refuseActs = () => deny("acts are not judged here");

/** Return the day, UTC, of an instant. */
export const dayOf = (instant) => Math.floor(instant / 86_400_000);

/** Require an active institution, and a key of its own. */
export const checkInstitution = (issuer, keyId, index, registers) => {
  const institution = registers.institutions.get(issuer);
  if (institution?.state !== RegisterState.ACTIVE) deny(`institution ${issuer} is not registered or not active`);
  checkKey(registers, keyId, issuer, index);
  return institution;
};

/** Require that an organisation is registered for what it does here. */
export const requireTrade = (institution, trade) => {
  if (institution.trade !== trade) deny(`${institution.id} is registered for ${institution.trade}, not ${trade}`);
};

/** Require that an institution speaks of what is its own. */
export const checkOwn = (statement, issuer, what) => {
  if (statement.issuer !== issuer) deny(`${what} is of ${issuer}, not of ${statement.issuer}`);
};

/** Require an authority that may decide about what these institutions have issued. */
export const checkDecider = (signed, institutions, index, sequencedAt, registers) => {
  const divisions = institutions.map(
    (id) => (registers.institutions.get(id) ?? deny(`institution ${id} is not registered`)).division,
  );
  checkPower(signed, Power.CERTIFICATE, divisions, index, sequencedAt, registers);
};

/** Require that nothing has happened to the subject that the statement does not know of. */
export const checkVersion = (statement, before) => {
  const version = before?.version ?? 0;
  if (statement.expectedVersion !== version)
    deny(`expects version ${statement.expectedVersion} of its subject, which is at version ${version}`);
};

/** Require that a key is registered for its owner and active at this index. */
export const checkKey = (registers, keyId, owner, index) => {
  const known = registers.keys.get(encodeHex(keyId));
  if (known?.owner !== owner) deny(`the key is not registered for ${owner}`);
  if (!known.isActiveAt(index)) deny("the key is not active at this index");
  return known;
};

/** Require that the statement is of an authority that may decide this, there and on that day. */
export const checkPower = (signed, power, divisions, index, sequencedAt, registers) => {
  const { issuer } = signed.statement;
  const authority = registers.authorities.get(issuer);
  if (authority?.state !== RegisterState.ACTIVE) deny(`authority ${issuer} is not registered or not active`);
  checkKey(registers, signed.keyId, authority.id, index);
  if (!authority.powers.has(power)) {
    const what = power === Power.CERTIFICATE ? "over a" : "to register a";
    deny(`authority ${authority.id} has no power ${what} ${power}`);
  }
  const day = dayOf(sequencedAt);
  if (day < authority.validFrom || day > authority.validUntil)
    deny(`authority ${authority.id} does not decide on that day`);
  for (const division of divisions)
    if (!division.startsWith(authority.division))
      deny(`division ${division || "anywhere"} is outside that of authority ${authority.id}`);
};
