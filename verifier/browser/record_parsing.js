// record_parsing.py and further_kinds.py in one: a record read strictly, in agreement with itself and with its kind of document.
import { ReasonCode } from "./act.js";
import { ValidityKind } from "./calendar_rules.js";
import { parseCategory } from "./category.js";
import { parseComparison, parseDecisionRule } from "./decision.js";
import { refuse } from "./errors.js";
import { compare, fraction, isPositive } from "./exact.js";
import { DOCUMENT_KINDS, DocumentType, Role, VerificationKind } from "./record.js";
import { parseMultikey } from "./signature.js";
import { Conclusion, DocumentKind } from "./statement.js";
import { parseUnit } from "./unit.js";

const ID = "[A-Z0-9][A-Z0-9-]{0,11}";
const PATH = "[a-z][a-z0-9_]*(\\.([a-z][a-z0-9_]*|0|[1-9][0-9]{0,3}))*";
const CONCLUSIONS = { pass: Conclusion.PASS, fail: Conclusion.FAIL, conditional: Conclusion.CONDITIONAL };
const KINDS = { date: ValidityKind.DATE, service_life: ValidityKind.SERVICE_LIFE, none: ValidityKind.NONE };

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
    software: reader.has("software") ? parseSoftware(reader.object("software")) : null,
    codes: parseCodes(reader.optObject("codes")),
    parts: optList(reader, "parts").map(parsePart),
    owner: parseCommitment(reader, "owner"),
    site: parseSite(reader.optObject("site")),
    scaleInterval: parseQuantity(reader.optObject("e")),
  }));
  if (hasTwice(instrument.parts.map((part) => part.id))) refuse("two parts have the same id", "instrument.parts");
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
    kind: KINDS[text(reader, "kind", 16, "date|service_life|none")],
    until: reader.optDate("until"),
    reason: optText(reader, "reason", 200),
    agreed: reader.optBoolean("agreed") ?? false,
  }));
  if ((validity.until === null) !== (validity.kind === ValidityKind.NONE)) {
    refuse("a date belongs to every kind but none", "validity.until");
  }
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
    decisionRule: reader.has("decision_rule") ? parseDecisionRule(reader.object("decision_rule")) : null,
    comparisons: optList(reader, "comparisons").map(parseComparison),
    paper: parsePaper(reader.optObject("paper")),
  }));
  place?.finish();
  checkAgreement(record);
  return record;
};

/** Refuse a record whose members contradict each other, or are not for this kind of document. */
const checkAgreement = (record) => {
  if (record.documentKind === DocumentKind.VERIFICATION) checkConclusion(record);
  checkKind(record);
  checkDates(record);
  const known = record.instrument.parts.map((part) => part.id);
  for (const { part } of record.results) {
    if (part !== null && !known.includes(part)) refuse(`no such part: ${part}`, "results.part");
  }
  if (hasTwice(record.seals.map(({ no, point }) => JSON.stringify([no, point])))) {
    refuse("the same seal stands twice at one point", "seals");
  }
  if (record.replaces?.number === record.number) refuse("a certificate does not replace itself", "replaces.no");
  checkSignatories(record);
};

const checkSignatories = ({ persons, issuedOn }) => {
  if (hasTwice(persons.map((person) => person.role))) refuse("two persons have the same role", "persons");
  const signing = persons.filter((person) => person.key !== null);
  const owners = new Map(signing.map((person) => [person.key.multikey, person.personId]));
  if (signing.some((person) => owners.get(person.key.multikey) !== person.personId)) {
    refuse("two persons have the same key", "persons");
  }
  const hasProof = signing.some((person) => person.role === Role.APPROVER);
  if (hasProof && issuedOn !== null) refuse("the approver's own proof says the day", "issued_on");
  if (!hasProof && issuedOn === null) refuse("this member is missing", "issued_on");
};

const checkConclusion = ({ documentType, conclusion, validity, results }) => {
  const rejected = documentType === DocumentType.REJECTION_NOTICE;
  if (rejected !== (conclusion === Conclusion.FAIL)) {
    refuse("a rejection notice concludes fail, a certificate pass", "conclusion");
  }
  if (rejected && validity.kind !== ValidityKind.NONE) refuse("a rejection notice has no validity", "validity");
  if (!rejected && results.some((result) => !result.passed && !result.beforeAdjustment)) {
    refuse("a certificate cannot hold a failed result", "results");
  }
};

const checkDates = (record) => {
  const { verifiedOn, issuedOn, validity } = record;
  if (verifiedOn < 0) refuse("no document is older than 1970-01-01", "verified_on");
  if (issuedOn !== null && issuedOn < 0) refuse("no document is older than 1970-01-01", "issued_on");
  if (validity.until !== null && validity.until < verifiedOn) {
    refuse("ends before the verification", "validity.until");
  }
};

const OF_CALIBRATIONS = ["specification", "decisionRule", "comparisons"];
const NOT_OF_CALIBRATIONS = ["classAwarded", "seals", "stickerId", "lot", "commissionNo"];
const NOT_OF_PAPERS = ["place", "environment", "standards", "referenceMaterials", "results", "adjusted", "persons"];
const STRANGE = new Map([
  [DocumentKind.VERIFICATION, [...OF_CALIBRATIONS, "paper"]],
  [DocumentKind.CALIBRATION, [...NOT_OF_CALIBRATIONS, "paper"]],
  [DocumentKind.PAPER, [...OF_CALIBRATIONS, ...NOT_OF_PAPERS, "seals", "stickerId", "lot", "commissionNo"]],
]);

/** Refuse members that a document of this kind does not have, and the lack of those that it must have. */
const checkKind = (record) => {
  const isCalibration = record.documentKind === DocumentKind.CALIBRATION;
  if (isCalibration) checkCalibration(record);
  if (record.documentKind === DocumentKind.PAPER) checkPaper(record);
  const reason = `is not for a ${record.documentType.replaceAll("_", " ")}`;
  for (const name of STRANGE.get(record.documentKind)) {
    if (record[name] && record[name].length !== 0) refuse(reason, name);
  }
  if (isCalibration !== (record.kind === VerificationKind.CALIBRATION)) refuse(reason, "kind");
  if (record.validity.agreed && !isCalibration) refuse(reason, "validity.agreed");
};

const checkCalibration = (record) => {
  const { validity, results, conclusion, decisionRule } = record;
  if (record.specification === null && record.regulation === null) {
    refuse("the specification that was followed is missing", "specification");
  }
  if (!results.some((result) => result.points.length)) refuse("a calibration certificate states values", "results");
  results.forEach(checkUncertainties);
  if ((conclusion === null) !== (decisionRule === null)) {
    refuse("a conclusion and its decision rule go together", "decision_rule");
  }
  if (validity.kind === ValidityKind.SERVICE_LIFE) {
    refuse("a calibration certificate ends no service life", "validity.kind");
  }
  if ((validity.kind === ValidityKind.DATE) !== validity.agreed) {
    refuse("a calibration certificate has a date if the customer has agreed on one, and only then", "validity.agreed");
  }
};

const checkUncertainties = (result, number) => {
  if (result.coverageFactor === null || compare(result.coverageFactor, fraction(1)) < 0) {
    refuse("needed: the coverage factor, at least 1", `results[${number}].k`);
  }
  result.points.forEach(({ expandedUncertainty }, position) => {
    if (expandedUncertainty === null || !isPositive(expandedUncertainty)) {
      refuse("needed: the expanded uncertainty, above 0", `results[${number}].points[${position}].u`);
    }
  });
};

const checkPaper = ({ paper, issuedOn, conclusion, validity }) => {
  if (paper === null) refuse("this member is missing", "paper");
  if (issuedOn !== null && paper.enteredOn < issuedOn) refuse("is before the paper was issued", "paper.entered_on");
  if (conclusion === Conclusion.FAIL && validity.kind !== ValidityKind.NONE) {
    refuse("a paper that concludes fail has no validity", "validity");
  }
};
