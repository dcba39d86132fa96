// A record read strictly, in agreement with itself and with its kind of document: ledger/core/record_parsing.py in one with
// further_kinds.py and what decision.py and comparison.py parse.
import { ReasonCode } from "./act.js";
import { ValidityKind } from "./calendar_rules.js";
import { parseCategory } from "./category.js";
import { refuse } from "./errors.js";
import { compare, fraction, isPositive } from "./exact.js";
import { DOCUMENT_KINDS, DocumentType, Role, VerificationKind } from "./record.js";
import { parseMultikey } from "./signature.js";
import { Conclusion, DocumentKind } from "./statement.js";
import { parseUnit } from "./unit.js";

const ID = "[A-Z0-9][A-Z0-9-]{0,11}";
const PATH = "[a-z][a-z0-9_]*(\\.([a-z][a-z0-9_]*|0|[1-9][0-9]{0,3}))*";
const ACCEPTANCE = ["simple_acceptance", "guarded_acceptance"];
const CONCLUSIONS = { pass: Conclusion.PASS, fail: Conclusion.FAIL, conditional: Conclusion.CONDITIONAL };
const VALIDITY_KINDS = { date: ValidityKind.DATE, service_life: ValidityKind.SERVICE_LIFE, none: ValidityKind.NONE };

/** Return what a function reads, and refuse what it leaves; null where there is no object. */
const read = (reader, build) => {
  if (reader === null) return null;
  const found = Object.freeze(build(reader));
  reader.finish();
  return found;
};

const text = (reader, name, maxBytes, pattern = null) => reader.text(name, { maxBytes, pattern });
const optText = (reader, name, maxBytes, pattern = null) => reader.optText(name, { maxBytes, pattern });
const optList = (reader, name) => reader.optObjects(name) ?? [];

/** Return whether one value stands in a list twice. */
const hasTwice = (values) => new Set(values).size !== values.length;

const parseCommitment = (reader, name) =>
  read(reader.optObject(name), (inner) => ({ digest: inner.hex("sd", 32) }));

const parseQuantity = (reader) =>
  read(reader, () => ({
    value: reader.decimal("value"),
    unit: parseUnit(text(reader, "unit", 16), { field: reader.pathOf("unit") }),
    expandedUncertainty: null,
    coverageFactor: null,
  }));

/** Parse what a document, or a type approval, says of software. */
export const parseSoftware = (reader) =>
  read(reader, () => {
    const digest = reader.optHex("hash", 32);
    return { id: text(reader, "id", 64), digest };
  });

const parseIssuer = (reader) =>
  read(reader, () => ({
    id: text(reader, "id", 12, ID),
    name: text(reader, "name", 200),
    authorisationNo: text(reader, "authorisation_no", 120),
    scopeId: text(reader, "scope_line_id", 12),
  }));

const parseCodes = (reader) =>
  read(reader, () =>
    ["production", "repair", "verification"]
      .map((name) => [name, optText(reader, name, 64)])
      .filter(([, code]) => code !== null),
  ) ?? [];

const parsePart = (reader) =>
  read(reader, () => ({
    id: text(reader, "id", 8),
    name: optText(reader, "name", 100),
    serial: optText(reader, "serial", 64),
  }));

const parseSite = (reader) =>
  read(reader, () => ({
    division: text(reader, "division", 12, "[0-9]{2,12}"),
    address: parseCommitment(reader, "address"),
  }));

const parseInstrument = (reader) => {
  const instrument = read(reader, () => ({
    id: reader.hex("id", 16),
    category: parseCategory(text(reader, "category", 40), "instrument.category"),
    name: text(reader, "name", 200),
    serial: text(reader, "serial", 64),
    localId: optText(reader, "local_id", 64),
    model: optText(reader, "model", 200),
    range: optText(reader, "range", 200),
    accuracyClass: optText(reader, "class", 40),
    year: reader.optInteger("year", 1800, 9999),
    maker: optText(reader, "maker", 200),
    typeApprovalNo: optText(reader, "cpa_no", 64),
    purpose: reader.optEnum("purpose", ["trade", "safety", "health", "environment"]),
    software: parseSoftware(reader.optObject("software")),
    codes: parseCodes(reader.optObject("codes")),
    parts: optList(reader, "parts").map(parsePart),
    owner: parseCommitment(reader, "owner"),
    site: parseSite(reader.optObject("site")),
    scaleInterval: parseQuantity(reader.optObject("e")),
  }));
  demand(!hasTwice(instrument.parts.map((part) => part.id)), "instrument.parts", "two parts have the same id");
  return instrument;
};

const parseRegulation = (reader) =>
  read(reader, () => ({ id: text(reader, "id", 64), title: text(reader, "title", 200) }));

const parseEnvironment = (reader) =>
  read(reader, () => ({
    temperature: parseQuantity(reader.optObject("temperature")),
    humidity: parseQuantity(reader.optObject("humidity")),
    other: optText(reader, "other", 200),
  }));

const parseStandardInstrument = (reader) =>
  read(reader, () => {
    const certificateDigest = reader.optHex("cert_hash", 32);
    return {
      no: text(reader, "no", 64),
      certificateNo: text(reader, "cert_no", 120),
      certificateDigest,
      until: reader.date("until"),
    };
  });

const parseStandard = (reader) =>
  read(reader, () => ({
    id: text(reader, "id", 64),
    name: text(reader, "name", 200),
    examinationNo: text(reader, "exam_no", 120),
    examinationUntil: reader.date("exam_until"),
    range: text(reader, "range", 200),
    uncertainty: text(reader, "u", 200),
    instruments: optList(reader, "instruments").map(parseStandardInstrument),
  }));

const parsePoint = (reader, judged) =>
  read(reader, () => ({
    indicationError: reader.decimal("error"),
    passed: judged ? reader.boolean("pass") : null,
    nominal: reader.optDecimal("nominal"),
    measured: reader.optDecimal("measured"),
    maximumPermissibleError: reader.optDecimal("mpe"),
    expandedUncertainty: reader.optDecimal("u"),
  }));

const parseResult = (reader, judged) =>
  read(reader, () => {
    const [unit, errorUnit] = [optText(reader, "unit", 16), text(reader, "error_unit", 16)];
    if (unit !== null) parseUnit(unit, { field: reader.pathOf("unit") });
    parseUnit(errorUnit, { field: reader.pathOf("error_unit") });
    return {
      item: text(reader, "item", 64, "[a-z][a-z0-9_]*"),
      part: optText(reader, "part", 8),
      unit,
      errorUnit,
      coverageFactor: reader.optDecimal("k"),
      points: reader.objects("points").map((item) => parsePoint(item, judged)),
      passed: judged ? reader.boolean("pass") : null,
      beforeAdjustment: reader.optBoolean("before_adjustment") ?? false,
    };
  });

/** Read what only a calibration may leave out, or leave open. */
const parseConclusion = (reader, judged) => {
  const found = judged
    ? text(reader, "conclusion", 16, "pass|fail")
    : optText(reader, "conclusion", 16, "pass|fail|conditional");
  return found === null ? null : CONCLUSIONS[found];
};

const parsePaper = (reader) =>
  read(reader, () => ({
    scan: reader.hex("scan", 32),
    enteredBy: text(reader, "entered_by", 40),
    enteredOn: reader.date("entered_on"),
  }));

const parseLot = (reader) =>
  read(reader, () => ({ no: text(reader, "no", 64), size: reader.integer("size", 1, 10_000_000) }));

const parseReplacement = (reader) =>
  read(reader, () => {
    const [number, reason] = [text(reader, "no", 64), reader.enum("reason", ReasonCode)];
    const changed = reader.optTexts("changed", { maxBytes: 120, pattern: PATH, least: 1, most: 64 }) ?? [];
    if (changed.some((path, at) => at && changed[at - 1] >= path)) reader.refuse("changed", "the paths rise, each once");
    return { number, reason, changed };
  });

const parseValidity = (reader) => {
  const validity = read(reader, () => ({
    kind: VALIDITY_KINDS[text(reader, "kind", 16, "date|service_life|none")],
    until: reader.optDate("until"),
    reason: optText(reader, "reason", 200),
    agreed: reader.optBoolean("agreed") ?? false,
  }));
  demand((validity.until === null) === (validity.kind === ValidityKind.NONE), "validity.until");
  return validity;
};

const parseSignatory = (reader, signingTimes) =>
  read(reader, () => {
    const key = reader.has("key") ? reader.parse("key", parseMultikey) : null;
    return {
      role: reader.enum("role", Role),
      personId: text(reader, "pid", 40),
      name: parseCommitment(reader, "name"),
      signedAt: key === null ? reader.instant("signed_at") : (signingTimes.get(key.multikey) ?? null),
      key,
    };
  });

const parseRawRecord = (reader) =>
  read(reader, () => {
    const digest = reader.optHex("hash", 32);
    return { no: text(reader, "no", 64), digest };
  });

const parseDecisionRule = (reader) =>
  read(reader, () => {
    const found = { rule: reader.enum("rule", ACCEPTANCE), guardFactor: reader.optDecimal("guard_factor") };
    const { rule, guardFactor } = found;
    if ((guardFactor !== null) !== (rule === "guarded_acceptance")) {
      reader.refuse("guard_factor", "belongs to guarded acceptance, and to nothing else");
    }
    if (guardFactor !== null && (!isPositive(guardFactor) || compare(guardFactor, fraction(10)) > 0)) {
      reader.refuse("guard_factor", "is above 0 and at most 10");
    }
    return { ...found, requirement: text(reader, "requirement", 200) };
  });

/** Read what a comparison (计量比对) states: two values, each with its U above 0, in one unit. */
const parseComparison = (reader) =>
  read(reader, () => {
    const unit = parseUnit(text(reader, "unit", 16), { field: reader.pathOf("unit") });
    const name = text(reader, "name", 200);
    const [own, reference] = [["value", "u"], ["reference", "reference_u"]].map(([value, u]) => {
      const measured = { value: reader.decimal(value), expandedUncertainty: reader.decimal(u) };
      if (!isPositive(measured.expandedUncertainty)) reader.refuse(u, "is above 0");
      return Object.freeze(measured);
    });
    return { name, unit, own, reference };
  });

/** Parse a verification record; `signingTimes`: when each key, by its multikey, has signed the document. */
export const parseRecord = (reader, signingTimes = new Map()) => {
  if (reader.integer("v", 1, 2 ** 31) !== 1) refuse("unknown version of the record", "v");
  const [place, documentType] = [reader.optObject("place"), reader.enum("doc_type", DocumentType)];
  const judged = documentType !== DocumentType.CALIBRATION_CERTIFICATE;
  const record = read(reader, () => ({
    documentType,
    documentKind: DOCUMENT_KINDS[documentType],
    kind: reader.enum("kind", VerificationKind),
    number: text(reader, "no", 64),
    issuer: parseIssuer(reader.object("issuer")),
    applicant: parseCommitment(reader, "applicant"),
    instrument: parseInstrument(reader.object("instrument")),
    regulation: parseRegulation(reader.optObject("regulation")),
    place: place === null ? null : place.enum("kind", ["laboratory", "on_site"]),
    placeWhere: place === null ? null : parseCommitment(place, "where"),
    environment: parseEnvironment(reader.optObject("environment")),
    standards: reader.objects("standards").map(parseStandard),
    referenceMaterials: optList(reader, "crms").map((item) =>
      read(item, () => ({ id: text(item, "id", 64), lot: text(item, "lot", 64) })),
    ),
    results: reader.objects("results").map((item) => parseResult(item, judged)),
    conclusion: parseConclusion(reader, judged),
    classAwarded: optText(reader, "class_awarded", 40),
    adjusted: reader.boolean("adjusted"),
    seals: reader.objects("seals").map((item) =>
      read(item, () => ({ no: text(item, "no", 64), point: text(item, "point", 100) })),
    ),
    stickerId: optText(reader, "sticker_id", 40),
    lot: parseLot(reader.optObject("lot")),
    replaces: parseReplacement(reader.optObject("replaces")),
    verifiedOn: reader.date("verified_on"),
    issuedOn: reader.optDate("issued_on"),
    validity: parseValidity(reader.object("validity")),
    persons: reader.objects("persons").map((item) => parseSignatory(item, signingTimes)),
    rawRecord: parseRawRecord(reader.optObject("raw_record")),
    commissionNo: optText(reader, "commission_no", 120),
    nonce: reader.hex("nonce", 16),
    specification: parseRegulation(reader.optObject("specification")),
    decisionRule: parseDecisionRule(reader.optObject("decision_rule")),
    comparisons: optList(reader, "comparisons").map(parseComparison),
    paper: parsePaper(reader.optObject("paper")),
  }));
  place?.finish();
  checkAgreement(record);
  return record;
};

/** Refuse a member for what other members say, or for the kind of document. */
const demand = (holds, field, message = "contradicts other members") => holds || refuse(message, field);

/** Refuse a record whose members contradict each other, or are not for this kind of document. */
const checkAgreement = (record) => {
  if (record.documentKind === DocumentKind.VERIFICATION) checkConclusion(record);
  checkKind(record);
  const { verifiedOn, issuedOn, validity, instrument, replaces } = record;
  demand(verifiedOn >= 0, "verified_on", "no document is older than 1970-01-01");
  demand(issuedOn === null || issuedOn >= 0, "issued_on", "no document is older than 1970-01-01");
  demand(validity.until === null || validity.until >= verifiedOn, "validity.until", "ends before the verification");
  const known = [null, ...instrument.parts.map((part) => part.id)];
  demand(record.results.every(({ part }) => known.includes(part)), "results.part", "no such part");
  const seals = record.seals.map(({ no, point }) => JSON.stringify([no, point]));
  demand(!hasTwice(seals), "seals", "the same seal stands twice at one point");
  demand(replaces?.number !== record.number, "replaces.no", "a certificate does not replace itself");
  checkSignatories(record);
};

const checkSignatories = ({ persons, issuedOn }) => {
  demand(!hasTwice(persons.map((person) => person.role)), "persons", "two persons have the same role");
  const signing = persons.filter((person) => person.key !== null);
  const owners = new Map(signing.map(({ key, personId }) => [key, personId]));
  demand(signing.every(({ key, personId }) => owners.get(key) === personId), "persons", "two persons have the same key");
  const hasProof = signing.some((person) => person.role === Role.APPROVER);
  demand(hasProof === (issuedOn === null), "issued_on", "is there exactly if the approver's own proof does not say it");
};

const checkConclusion = ({ documentType, conclusion, validity, results }) => {
  const rejected = documentType === DocumentType.REJECTION_NOTICE;
  demand(rejected === (conclusion === Conclusion.FAIL), "conclusion");
  demand(!rejected || validity.kind === ValidityKind.NONE, "validity", "a rejection notice has no validity");
  const isFailed = ({ passed, beforeAdjustment }) => !passed && !beforeAdjustment;
  demand(rejected || !results.some(isFailed), "results", "a certificate cannot hold a failed result");
};

const OF_CALIBRATIONS = ["specification", "decisionRule", "comparisons"];
const OF_VERIFICATIONS = ["seals", "stickerId", "lot", "commissionNo"];
const STRANGE = new Map([
  [DocumentKind.VERIFICATION, [...OF_CALIBRATIONS, "paper"]],
  [DocumentKind.CALIBRATION, [...OF_VERIFICATIONS, "classAwarded", "paper"]],
  [
    DocumentKind.PAPER,
    [...OF_CALIBRATIONS, ...OF_VERIFICATIONS, "place", "environment", "standards", "referenceMaterials", "results", "adjusted", "persons"],
  ],
]);

/** Refuse members that a document of this kind does not have, and the lack of those that it must have. */
const checkKind = (record) => {
  const { documentKind, documentType, kind, validity } = record;
  const isCalibration = documentKind === DocumentKind.CALIBRATION;
  if (isCalibration) checkCalibration(record);
  if (documentKind === DocumentKind.PAPER) checkPaper(record);
  const strange = `is not for a ${documentType.replaceAll("_", " ")}`;
  for (const name of STRANGE.get(documentKind)) demand(!record[name] || record[name].length === 0, name, strange);
  demand(isCalibration === (kind === VerificationKind.CALIBRATION), "kind", strange);
  demand(isCalibration || !validity.agreed, "validity.agreed", strange);
};

const checkCalibration = ({ validity, results, conclusion, decisionRule, specification, regulation }) => {
  demand(specification ?? regulation, "specification", "is missing");
  demand(results.some((result) => result.points.length), "results", "a calibration certificate states values");
  results.forEach(({ coverageFactor, points }, number) => {
    const path = `results[${number}]`;
    demand(coverageFactor !== null && compare(coverageFactor, fraction(1)) >= 0, `${path}.k`, "is at least 1");
    points.forEach(({ expandedUncertainty: u }, position) =>
      demand(u !== null && isPositive(u), `${path}.points[${position}].u`, "is above 0"),
    );
  });
  demand((conclusion === null) === (decisionRule === null), "decision_rule");
  demand(validity.kind !== ValidityKind.SERVICE_LIFE, "validity.kind");
  demand((validity.kind === ValidityKind.DATE) === validity.agreed, "validity.agreed");
};

const checkPaper = ({ paper, issuedOn, conclusion, validity }) => {
  demand(paper, "paper", "this member is missing");
  demand(issuedOn === null || paper.enteredOn >= issuedOn, "paper.entered_on", "is before the paper was issued");
  demand(conclusion !== Conclusion.FAIL || validity.kind === ValidityKind.NONE, "validity");
};
