// Rules that a document must keep, by the rule book and by its times: ledger/core/rules.py, in one with the digests of
// instrument.py.
import { encodeCanonicalJson } from "./canonical.js";
import { Category, nameCategory } from "./category.js";
import { SEALS_DOMAIN, SERIAL_DOMAIN } from "./constants.js";
import { DAY, decodeUtf8, encodeDate, encodeHex, encodeUtf8, isDate } from "./encoding.js";
import { InputError } from "./errors.js";
import {
  add, compare, divide, fraction, halfAPlace, isPositive, magnitude, multiply, subtract,
} from "./exact.js";
import {
  computeLimitInErrorUnit, computeLoadInIntervals, findMaximumPermissibleError, isConfirmed, judgeIndicationError, limitFor,
} from "./limit.js";
import { Role, VerificationKind } from "./record.js";
import { isInForce, isUnitAdmitted, latestAllowedValidUntil } from "./regulation.js";
import { judge, judgeFailed, judgeOpen, judgePassed, judgeUnknown, reason } from "./rule_result.js";
import { sha256 } from "./sha256.js";
import { Conclusion, DocumentKind, IssueClaims } from "./statement.js";
import { parseUnit, UNITS } from "./unit.js";

const NO_RULES = ["no rules for this category", "此类器具没有规程数据"];
const VALIDITY_NAMES = { 1: "date", 2: "service_life", 3: "none" };
const DIFFERS = ["differs from the certificate", "与证书不一致"];

/** Compare every field of an issue statement with the certificate it speaks of. */
export const checkBinding = (statement, certificate) => {
  const { claims } = statement;
  const { record } = certificate;
  if (!(claims instanceof IssueClaims)) return judgeFailed(reason("statement.type", "is not an issue", "不是签发声明"));
  const reasons = Object.entries(buildIssueClaims(record, certificate.digest, claims.part))
    .filter(([name, expected]) => spellValue(claims[name]) !== spellValue(expected))
    .map(([name]) => reason(`statement.${name.replace(/[A-Z]/g, (letter) => "_" + letter.toLowerCase())}`, ...DIFFERS));
  if (statement.issuer !== record.issuer.id) reasons.push(reason("statement.issuer", ...DIFFERS));
  if (claims.part !== null && !record.instrument.parts.some((part) => part.id === claims.part)) {
    reasons.push(reason("statement.part", "the certificate has no such part", "证书中无此部件"));
  }
  return judge(reasons, "statement and certificate say the same", "声明与证书内容一致");
};

/** A text that is equal for equal values of claims. */
const spellValue = (value) => {
  if (value instanceof Uint8Array) return encodeHex(value);
  return value?.text === undefined ? JSON.stringify(value) : JSON.stringify([value.text, value.tail && encodeHex(value.tail)]);
};

/** What the statement about this record must say. */
export const buildIssueClaims = (record, certificateDigest, part = null) => ({
  number: record.number,
  instrumentId: record.instrument.id,
  part,
  serial: computeStatementSerial(record.instrument.serial),
  category: record.instrument.category,
  conclusion: record.conclusion,
  verifiedOn: record.verifiedOn,
  validUntil: record.validity.until,
  validityKind: record.validity.kind,
  certificateDigest,
  sealsDigest: record.seals.length ? computeSealsDigest(record.seals.map(({ no, point }) => [no, point])) : null,
  predecessor: record.replaces?.number ?? null,
  lot: record.lot?.no ?? null,
  kind: record.documentKind,
});

/** The serial as a statement carries it: whole up to 24 bytes, else its first 9 to 12 and 4 bytes of hash. */
const computeStatementSerial = (serial) => {
  const raw = encodeUtf8(serial);
  if (raw.length <= 24) return Object.freeze({ text: serial, tail: null });
  let end = 12;
  while ((raw[end] & 0xc0) === 0x80) end -= 1;
  return Object.freeze({ text: decodeUtf8(raw.slice(0, end)), tail: sha256(SERIAL_DOMAIN, raw).slice(0, 4) });
};

/** 8 bytes over the list of seals (铅封), as `[number, point]`, in the order of the record. */
const computeSealsDigest = (seals) =>
  sha256(SEALS_DOMAIN, encodeCanonicalJson(seals.map(([no, point]) => ({ no, point })))).slice(0, 8);

/** The rule that a document cites, null if there is none, or none that is on record. */
export const findCitedRule = ({ instrument, regulation }, book) =>
  instrument.category === Category.OTHER || regulation === null ? null : book.ruleNamed(instrument.category, regulation.id);

/** Check that the regulation cited is one for this category, in force on the verification date. */
export const checkRegulation = (record, book) => {
  const { regulation, verifiedOn } = record;
  const { category } = record.instrument;
  const ofKind = findKindFaults(record);
  if (category === Category.OTHER) return judgeOpen(ofKind, ...NO_RULES);
  const rule = findCitedRule(record, book);
  if (rule === null) {
    const name = nameCategory(category);
    const missing =
      regulation === null
        ? reason("regulation", "is missing", "未注明检定规程")
        : reason("regulation.id", `no rule of ${name} has this name`, `${name}没有此规程的数据`);
    const cited = regulation?.id ?? "none";
    return judgeUnknown(`regulation not on record: ${cited}`, `规程数据中没有：${cited}`, [missing, ...ofKind]);
  }
  const id = rule.regulationId;
  const reasons = [...findUnitFaults(record, rule), ...ofKind];
  if (!isInForce(rule, verifiedOn)) {
    const day = encodeDate(verifiedOn);
    reasons.unshift(reason("regulation.id", `${id} is not in force on ${day}`, `${id}在${day}不是现行规程`));
  }
  if (!isConfirmed(rule)) {
    return judgeUnknown("the data of this regulation are not confirmed", "该规程的数据未经确认", reasons);
  }
  return judge(reasons, `${id} is in force`, `${id}现行有效`);
};

/** What the kind of verification (检定类别) asks for and the document lacks. */
const findKindFaults = ({ kind, commissionNo, conclusion }) => {
  const isArbitration = kind === VerificationKind.ARBITRATION;
  const reasons = [];
  if (isArbitration && commissionNo === null) {
    reasons.push(reason("commission_no", "needed for an arbitration", "仲裁检定须注明委托文号"));
  }
  if (!isArbitration && commissionNo !== null) {
    reasons.push(reason("commission_no", "is for arbitrations only", "仅用于仲裁检定"));
  }
  if (kind === VerificationKind.IN_SERVICE && conclusion === Conclusion.PASS) {
    const en = "an in-service inspection that passes is no verification, and gives no certificate";
    reasons.push(reason("kind", en, "使用中检查合格不属于检定，不出具检定证书"));
  }
  return reasons;
};

const findUnitFaults = ({ results }, rule) =>
  [...new Set(results.flatMap((result) => [result.unit, result.errorUnit]))]
    .filter((text) => text !== null && !isUnitAdmitted(rule, parseUnit(text)))
    .sort()
    .map((text) => reason("results.unit", `${text} is not for this category`, `${text}不得用于此类器具`));

/** Check that the validity ends no later than the rule allows, and not earlier without a reason. */
export const checkExpiry = (record, book) => {
  if (record.conclusion === Conclusion.FAIL) {
    return judgePassed("a rejection notice has no validity", "检定结果通知书无有效期");
  }
  const rule = findCitedRule(record, book);
  if (rule === null) return judgeUnknown(...NO_RULES);
  const breach = findExpiryBreach(record, rule);
  const reasons = breach === null ? [] : [reason(...breach)];
  if (!isConfirmed(rule)) {
    return judgeUnknown("the period of this rule is not confirmed", "该规程的检定周期数据未经确认", reasons);
  }
  return judge(reasons, "the validity keeps the regulation's period", "有效期符合规程");
};

const findExpiryBreach = ({ validity, verifiedOn }, rule) => {
  let bound;
  try {
    bound = latestAllowedValidUntil(rule, verifiedOn);
  } catch (error) {
    if (error instanceof InputError) return ["verified_on", error.reason, "检定日期过大"];
    throw error;
  }
  if (bound.kind === null) return null;
  if (validity.kind !== bound.kind) {
    const name = VALIDITY_NAMES[bound.kind];
    return ["validity.kind", `this rule asks for the kind ${name}`, `该规程的有效期类型应为${name}`];
  }
  if (validity.until === null || bound.latest === null) return null;
  const day = encodeDate(bound.latest);
  if (validity.until > bound.latest) {
    return ["validity.until", `later than ${day}, the last day allowed`, `晚于规程允许的${day}`];
  }
  if (validity.until === bound.latest || validity.reason !== null) return null;
  return ["validity.reason", `needed where the validity ends before ${day}`, `有效期早于${day}时须说明原因`];
};

/** Recompute every error and judge it as the regulation does; contradictions within the document fail. */
export const checkLimits = (record, book) => {
  const rule = findCitedRule(record, book);
  const [reasons, openItems] = [[], new Set()];
  record.results.forEach((result, number) => {
    const limits = result.points.map((point) => findLimit(record, result, point, rule));
    if (!limits.length || limits.includes(null)) openItems.add(result.item);
    result.points.forEach((point, position) => {
      for (const [member, ...words] of findPointFaults(result, point, limits[position])) {
        reasons.push(reason(`results[${number}].points[${position}].${member}`, ...words));
      }
    });
    if (result.passed && !result.points.every((point) => point.passed)) {
      reasons.push(reason(`results[${number}].pass`, "contradicts its points", "与各点结论不符"));
    }
  });
  if (reasons.length) return judgeFailed(...reasons);
  const [count, open] = [[...listPoints(record)].length, [...openItems].sort()];
  if (open.length || !count) {
    const [en, zh] = [open.join(", ") || "no results", open.join("、") || "无检定数据"];
    return judgeUnknown(`limit not confirmed: ${en}`, `限值未经确认：${zh}`);
  }
  return judgePassed(`${count} readings judged as the regulation does`, `${count}个示值按规程判定无误`);
};

/** Yield every point with its result and its path. */
export function* listPoints({ results }) {
  for (const [number, result] of results.entries()) {
    for (const [position, point] of result.points.entries()) {
      yield [result, point, `results[${number}].points[${position}]`];
    }
  }
}

/** The limit that decides about a point, null where none is on record, or none is confirmed. */
const findLimit = (record, result, point, rule) => {
  if (rule === null) return null;
  const accuracyClass = record.classAwarded ?? record.instrument.accuracyClass;
  const options = { accuracyClass, inService: record.kind === VerificationKind.IN_SERVICE };
  const interval = record.instrument.scaleInterval;
  let limit = limitFor(rule.limits, result.item, { ...options, unit: parseUnit(result.errorUnit) });
  if (limit === null && interval !== null) limit = findSteppedLimit(result, point, rule, interval, options);
  return limit !== null && isConfirmed(limit) ? limit : null;
};

/** The limit of a weighing instrument at one load: stated in e, by steps of the load in e (OIML R 76). */
const findSteppedLimit = (result, { nominal }, rule, interval, options) => {
  if (nominal === null || result.unit === null) return null;
  const load = computeLoadInIntervals({ value: nominal, unit: parseUnit(result.unit) }, interval);
  const limit = load && limitFor(rule.limits, result.item, { ...options, unit: UNITS.get("e"), load });
  return limit && computeLimitInErrorUnit(limit, interval, parseUnit(result.errorUnit));
};

/** Yield the member to blame, and why in English and Chinese. */
function* findPointFaults(result, point, limit) {
  const { maximumPermissibleError: mpe, indicationError: stated } = point;
  const error = computeIndicationError(result, point) ?? stated;
  if (!isRoundingOf(stated, error)) yield ["error", "does not follow from nominal and measured", "与标准值和示值计算不符"];
  const expected = limit && findMaximumPermissibleError(limit);
  if (mpe !== null && expected !== null && compare(mpe, expected)) {
    yield ["mpe", `is not ${expected}`, `应为${expected}`];
  }
  const isWrong =
    limit === null
      ? mpe !== null && contradictsStatedLimit(error, mpe, point.passed)
      : judgeIndicationError(limit, error) !== point.passed;
  if (isWrong) yield ["pass", "contradicts the error and its limit", "与误差及最大允许误差不符"];
}

/** The error that follows from nominal and measured value, in the result's error unit; null where nothing follows. */
export const computeIndicationError = ({ unit, errorUnit }, { nominal, measured }) => {
  if (nominal === null || measured === null || unit === null) return null;
  const difference = subtract(measured, nominal);
  if (errorUnit === "%") return isPositive(nominal) ? divide(multiply(difference, fraction(100)), nominal) : null;
  const [source, target] = [parseUnit(unit), parseUnit(errorUnit)];
  return source.dimension === target.dimension ? multiply(difference, divide(source.factor, target.factor)) : null;
};

/** Whether a stated error is not the one that follows from nominal and measured value. */
export const findMisstatedError = (result, point) =>
  !isRoundingOf(point.indicationError, computeIndicationError(result, point) ?? point.indicationError);

/** Whether the stated error is the computed one to within half of its last place. */
const isRoundingOf = (stated, error) => compare(magnitude(subtract(stated, error)), halfAPlace(stated)) <= 0;

/** Whether a point contradicts itself, however its regulation may round by up to half of the limit's last place. */
const contradictsStatedLimit = (error, mpe, passed) => {
  const [size, limit] = [magnitude(error), magnitude(mpe)];
  return passed
    ? compare(size, add(limit, halfAPlace(mpe))) > 0
    : compare(size, subtract(limit, halfAPlace(mpe))) < 0;
};

// --- times: instants in ms, days since 1970-01-01, zones by name ---------------------------------------------

const DEEDS = new Map([
  [DocumentKind.VERIFICATION, ["verification", "检定"]],
  [DocumentKind.CALIBRATION, ["calibration", "校准"]],
  [DocumentKind.PAPER, ["verification on paper", "纸质证书所载检定"]],
]);

/**
 * Check the order verified <= persons' signatures <= issued <= sealed <= sequenced <= anchored <= now.
 *
 * `clocks`: {sealedAt, sequencedAt, anchoredAt, now}, null what is not known; `tolerance` and `lag` in ms.
 */
export const checkTimes = (record, clocks, zone, tolerance, lag) => {
  const events = listEvents(record, clocks);
  const faults = [...findBackwardSteps(events, tolerance), ...findDateFaults(record, clocks, zone, tolerance)];
  if (faults.length) return judgeFailed(...faults);
  const ahead = events.filter((event) => event.at - clocks.now > tolerance);
  if (ahead.length) {
    const reasons = ahead.map(({ field, en, zh }) => reason(field, `${en} is ahead of the clock here`, `${zh}晚于本机时钟`));
    return judgeUnknown("the clock here is behind the document's", "本机时钟早于文件时间", reasons, { warning: true });
  }
  const late = localDate(clocks.sequencedAt ?? clocks.now, zone) - record.verifiedOn;
  const [en, zh] = DEEDS.get(record.documentKind);
  const warning = record.documentKind !== DocumentKind.PAPER && late * DAY > lag;
  return judgePassed(`in order; logged ${late} days after the ${en}`, `次序正确；${zh}后${late}日载入账本`, { warning });
};

const CLOCKS = new Map();

/** Milliseconds by which a zone is ahead of UTC at an instant. */
const findOffset = (instant, zone) => {
  if (!CLOCKS.has(zone)) {
    const numeric = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" };
    const options = { ...numeric, era: "short", hourCycle: "h23", calendar: "gregory", numberingSystem: "latn", timeZone: zone };
    CLOCKS.set(zone, new Intl.DateTimeFormat("en-US", options));
  }
  const parts = Object.fromEntries(CLOCKS.get(zone).formatToParts(instant).map(({ type, value }) => [type, value]));
  const year = parts.era[0] === "B" ? 1 - parts.year : +parts.year;
  const local = new Date(0).setUTCFullYear(year, parts.month - 1, parts.day) + (parts.hour * 60 + +parts.minute) * 6e4 + parts.second * 1e3;
  return local - Math.floor(instant / 1e3) * 1e3;
};

/** The calendar date of an instant in a zone; in UTC where the zone's would leave the calendar. */
export const localDate = (instant, zone) => {
  const day = Math.floor((instant + findOffset(instant, zone)) / DAY);
  return isDate(day) ? day : Math.floor(instant / DAY);
};

/** The instant at which a day begins in a zone: the earlier of two, by the older offset if there is none. */
const findMidnight = (day, zone) => {
  const local = day * DAY;
  const offsets = [local - DAY, local + DAY].map((instant) => findOffset(instant, zone));
  return local - (offsets.find((offset) => findOffset(local - offset, zone) === offset) ?? offsets[0]);
};

/** What is known, in the order in which it must have happened: `{field, en, zh, at}`. */
const listEvents = ({ persons }, clocks) => {
  const signed = persons.filter((person) => person.signedAt !== null);
  const isApprover = (person) => person.role === Role.APPROVER;
  const others = signed.filter((person) => !isApprover(person)).map((person) => person.signedAt);
  const last = others.length ? Math.max(...others) : null;
  return [
    ["persons.signed_at", "the operator's or checker's signature", "检定员或核验员签名", last],
    ["persons.signed_at", "the approver's signature", "批准人签名", signed.find(isApprover)?.signedAt ?? null],
    ["proof.created", "the seal", "盖章", clocks.sealedAt],
    ["sequenced_at", "the entry in the log", "载入账本", clocks.sequencedAt],
    ["anchored_at", "the anchor", "存证", clocks.anchoredAt],
  ]
    .map(([field, en, zh, at]) => ({ field, en, zh, at }))
    .filter(({ at }) => at !== null);
};

function* findBackwardSteps(events, tolerance) {
  let latest = null;
  for (const event of events) {
    if (latest !== null && latest.at - event.at > tolerance) {
      yield reason(event.field, `${event.en} is before ${latest.en}`, `${event.zh}早于${latest.zh}`);
    }
    if (latest === null || event.at > latest.at) latest = event;
  }
}

/** The day of issue; null: the approver, whose signature it is, has not signed yet. */
export const findIssuedOn = ({ issuedOn, persons }, zone) => {
  const signedAt = persons.find((person) => person.role === Role.APPROVER)?.signedAt ?? null;
  return issuedOn !== null || signedAt === null ? issuedOn : localDate(signedAt, zone);
};

function* findDateFaults(record, { sealedAt }, zone, tolerance) {
  const { persons, paper, verifiedOn } = record;
  const issuedOn = findIssuedOn(record, zone);
  const verification = findMidnight(verifiedOn, zone);
  const isAfterSeal = (day) => findMidnight(day, zone) - sealedAt > tolerance;
  const before = ["is before the verification", "早于检定日期"];
  const after = ["is after the seal", "晚于盖章时间"];
  for (const { signedAt, role } of persons) {
    if (signedAt === null) continue;
    if (verification - signedAt > tolerance) yield reason("persons.signed_at", ...before);
    if (role === Role.APPROVER && localDate(signedAt, zone) !== issuedOn) {
      yield reason("issued_on", "is not the day of the approver's signature", "与批准人签名日期不符");
    }
  }
  if (paper !== null && isAfterSeal(paper.enteredOn)) yield reason("paper.entered_on", ...after);
  if (issuedOn === null) return;
  if (issuedOn < verifiedOn) yield reason("issued_on", ...before);
  if (isAfterSeal(issuedOn)) yield reason("issued_on", ...after);
}
