// The documents of what a sticker stands on, and which page follows from them: `Things.of_instrument` of api/things.py.
// Which leaf is the newest verification says the sticker's own proof; only a document of that very leaf counts.
import { encodeHex, equalBytes } from "./encoding.js";
import { instrumentSubject } from "./event.js";
import { listStates, openDocument } from "./joined.js";
import { openMapProof } from "./map_proof.js";
import { computeCode } from "./qr.js";
import { Report } from "./report.js";
import { localDate } from "./rules.js";
import { attempt } from "./session.js";
import { chooseShown, doubtStatus } from "./shown.js";
import { parseSignedStatement } from "./statement.js";
import { Status } from "./status.js";
import { failed, Step } from "./step.js";

/** What is shown of an instrument whose parts differ: the first of these. */
const SEVERITY = (
  "TAMPERED FAILED FAILED_SINCE CANCELLED WITHDRAWN SUSPENDED NEEDS_REVERIFICATION EXPIRED SUPERSEDED CANNOT_CHECK " +
  "PAPER CALIBRATED PENDING ATTENTION VALID"
).split(" ");

/** What a bundle says of itself; a proof that there is none may come in its place. */
const BUNDLE = '"type":"hengzheng/bundle/v1"';

const LEFT_OUT = {
  en: "not every part of this instrument is verified",
  zh: "该器具并非所有部件均已检定",
};

/** Return {report, page, faults, doubts, states, isOutOfStep, isSentUsed}: what is said of that on which a sticker stands. */
export async function followSticker(shown, judged, task) {
  const place = new Place(shown, judged.opened.checkpoint.treeSize, task);
  const worst = await place.findWorst();
  const isToCome = worst !== null && (place.leavesOut(worst) || waits(shown, worst, task.policy));
  return {
    ...(await gather(place)),
    report: worst === null ? null : new Report({ ...worst.document.report, sticker: judged.report.sticker }),
    page: worst === null ? sayUnverified(shown, "STICKER_PENDING") : isToCome ? "STICKER_PENDING" : worst.shown,
  };
}

/**
 * The same of an instrument that was asked for itself, or of a part of one: `sent` is one of its documents, whose map
 * shows which of the whole's and of the parts' are the newest; null: its evidence does not hold, which its report says.
 */
export async function followInstrument(sent, task) {
  const { bundle, established, size } = sent.newest;
  if (established === null) return null;
  const { instrumentId } = parseSignedStatement(bundle.statementRaw).statement.claims;
  const part = task.expected.part ?? null;
  const [states, error] = await attempt(() => {
    const proven = openMapProof(bundle.mapProof, established.mapRoot);
    return [instrumentSubject(instrumentId, part), instrumentSubject(instrumentId, null)].map((each) => proven.find(each));
  });
  if (error !== null) return null;
  const shown = { binding: { instrumentId, part }, instrument: states[0], whole: part === null ? null : states[1] };
  const place = new Place(shown, size, task, sent);
  const worst = await place.findWorst();
  if (worst === null) return { ...(await gather(place)), report: null, page: sayUnverified(shown, "NOT_VERIFIED") };
  const { report } = worst.document;
  const isVerified = !place.leavesOut(worst);
  return {
    ...(await gather(place)),
    report: isVerified ? report : doubtStatus(report, task.policy, LEFT_OUT),
    page: isVerified ? worst.shown : sayUnverified(shown, "NOT_VERIFIED"),
  };
}

async function gather(place) {
  return {
    faults: place.faults,
    doubts: place.doubts,
    states: listStates(place.documents),
    isOutOfStep: place.isOutOfStep,
    isSentUsed: await place.usesSent(),
  };
}

const weigh = ({ shown }) => SEVERITY.indexOf(shown);

/** What no document verifies, as `page` says it, unless it must be verified again. */
const sayUnverified = ({ instrument }, page) =>
  instrument?.status === Status.NEEDS_REVERIFICATION ? "NEEDS_REVERIFICATION" : page;

/** Whether a sticker was put on after the last day of the newest document: another is to come. */
function waits({ since }, { shown, document }, { zone }) {
  const until = document.report.document?.validUntil ?? null;
  return shown === "EXPIRED" && until !== null && localDate(since, zone) > until;
}

/** A document with what is asked of it here. */
function describe(document) {
  const { certificate, leafIndex, statementRaw } = document.found.bundle;
  const { claims } = parseSignedStatement(statementRaw).statement;
  return {
    document,
    claims,
    index: leafIndex,
    isOfPart: (claims.part ?? null) !== null,
    names: certificate.record.instrument.parts.map((each) => each.id),
  };
}

const nameFiles = (bundleText, newestText) => `${bundleText}\n${newestText}`;

/** An instrument, or a part of one, and the documents that the proofs ask for. */
class Place {
  faults = [];
  doubts = [];
  documents = [];
  isOutOfStep = false;
  /** Whether documents of parts alone name a part that none verifies: they do not verify the whole then. */
  lacksPart = false;
  #opened = new Map();

  constructor({ binding, instrument, whole }, size, task, sent = null) {
    this.id = binding.instrumentId;
    this.name = encodeHex(binding.instrumentId);
    this.part = binding.part;
    this.own = instrument?.currentCertificate ?? null;
    this.whole = whole?.currentCertificate ?? null;
    this.size = size;
    this.task = task;
    if (sent !== null) this.#opened.set(nameFiles(task.bundleText, task.newestText), describe(sent));
  }

  /** The document whose word weighs most; null: none verifies it, or it is not at hand. */
  async findWorst() {
    const main = await this.findMain();
    const found = [...(main === null ? [] : [main]), ...(await this.listParts(main))];
    return found.reduce((one, other) => (one === null || weigh(other) < weigh(one) ? other : one), null);
  }

  /** Whether documents of parts alone leave one out, so that they do not verify the whole; what is worse is said first. */
  leavesOut({ shown }) {
    return this.lacksPart && SEVERITY.indexOf(shown) >= SEVERITY.indexOf("PAPER");
  }

  /** The newest document that verifies it; null: none does, or it is not at hand, which a doubt says then. */
  async findMain() {
    if (this.whole !== null && this.whole > (this.own ?? -1)) {
      const whole = await this.find(this.whole, null);
      if (whole === null || whole.names.includes(this.part)) return whole;
    }
    return this.own === null ? null : this.find(this.own, this.part);
  }

  /** Of the whole: the documents of parts that are newer than its own, or stand alone. */
  async listParts(main) {
    if (this.part !== null) return [];
    if (main === null) return this.own === null ? this.listPartsAlone() : [];
    const { names, index, document: { newest } } = main;
    if (newest.established === null) return [];
    const { claims } = parseSignedStatement(newest.bundle.statementRaw).statement;
    const [newer, error] = await attempt(() => {
      const proven = openMapProof(newest.bundle.mapProof, newest.established.mapRoot);
      return names.map((name) => [name, proven.find(instrumentSubject(claims.instrumentId, name))?.currentCertificate ?? -1]);
    });
    if (error !== null) return []; // the document's own report fails by it, or leaves its status open
    const found = [];
    for (const [name, at] of newer) if (at > index) found.push(await this.find(at, name));
    return found.filter((one) => one !== null);
  }

  /** Nothing verifies the whole: what was sent is of a part then, and each part that its record names has one too. */
  async listPartsAlone() {
    const { bundleText, newestText } = this.task;
    const sent = bundleText === null ? null : await this.open(bundleText, newestText);
    if (sent === null || !sent.isOfPart || !equalBytes(sent.claims.instrumentId, this.id)) return [];
    const found = [this.take(sent)];
    for (const name of sent.names.filter((each) => each !== sent.claims.part)) {
      const other = await this.lookUp(name);
      if (other === null) this.lacksPart = true;
      else found.push(this.take(other));
    }
    return found;
  }

  /** The document of this leaf: the one that was sent with the sticker's proof, or one that the page fetches. */
  async find(index, part) {
    const { bundleText, newestText } = this.task;
    const sent = bundleText === null ? null : await this.open(bundleText, newestText);
    if (sent?.index === index) return this.take(sent);
    const fetched = await this.lookUp(part);
    if (fetched?.index === index) return this.take(fetched);
    const isUsed = sent !== null && this.documents.includes(sent.document);
    this.sayMissing(index, fetched ?? (isUsed ? null : sent));
    return null;
  }

  /** Whether the document that was sent with the sticker's proof is one of those that count. */
  async usesSent() {
    const sent = await this.#opened.get(nameFiles(this.task.bundleText, this.task.newestText));
    return sent !== undefined && this.documents.includes(sent.document);
  }

  async lookUp(part) {
    const { ask } = this.task;
    if (ask === null) return null;
    const newestText = await ask(`i/${this.name}/proof.json${part === null ? "" : `?part=${encodeURIComponent(part)}`}`);
    if (newestText === null || !newestText.includes(BUNDLE)) return null;
    const newest = await this.open(newestText, null);
    const code = computeCode(newest.document.newest.bundle.statementRaw);
    const bundleText = await ask(`c/${code}/bundle.json`);
    return bundleText === null ? newest : this.open(bundleText, newestText);
  }

  /** Open a document, once. */
  open(bundleText, newestText) {
    const key = nameFiles(bundleText, newestText);
    if (!this.#opened.has(key)) this.#opened.set(key, this.read(bundleText, newestText));
    return this.#opened.get(key);
  }

  async read(bundleText, newestText) {
    return describe(await openDocument(bundleText, newestText, this.task));
  }

  /** Count a document, which must be proved in the sticker's own state of the log. */
  take(one) {
    const { document } = one;
    this.documents.push(document);
    this.faults.push(...document.faults);
    this.doubts.push(...document.doubts);
    if (document.newest.size !== this.size && document.newest.checkpoint !== null) this.sayOutOfStep(document.newest.size);
    return { ...one, shown: chooseShown(document.report, this.task.policy) };
  }

  sayOutOfStep(size) {
    this.isOutOfStep = true;
    this.doubts.push({
      en: `the proof that was sent is of ${this.size} leaves, that of a document of ${size}`,
      zh: `收到的证明文件对应账本${this.size}条，证书证明文件对应${size}条`,
    });
  }

  /** Another document in the same state of the log is a lie; in another state it may be the next one. */
  sayMissing(index, other) {
    const newest = other?.document.newest ?? null;
    if (newest !== null && newest.size !== this.size) {
      this.documents.push(other.document);
      this.sayOutOfStep(newest.size);
    } else if (newest !== null) {
      const en = `the document that was sent is not leaf ${index}, the newest of this instrument`;
      this.faults.push(failed(Step.BINDING, en, `收到的证书并非该器具的最新证书（账本第${index}条）`));
    } else {
      this.doubts.push({
        en: `the proof of leaf ${index}, the newest document of this instrument, is not at hand`,
        zh: `手头没有该器具最新证书（账本第${index}条）的证明文件`,
      });
    }
  }
}
