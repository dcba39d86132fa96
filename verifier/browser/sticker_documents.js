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
import { chooseShown } from "./shown.js";
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

/** Return {report, page, faults, doubts, states, isOutOfStep, isSentUsed}: what is said of that on which a sticker stands. */
export async function followSticker(shown, judged, task) {
  const place = new Place(shown, judged.opened.checkpoint.treeSize, task);
  const main = await place.findMain();
  const parts = await place.listParts(main);
  const found = [...(main === null ? [] : [main]), ...parts];
  const worst = found.reduce((one, other) => (weigh(other) < weigh(one) ? other : one), found[0]);
  return {
    report: worst === undefined ? null : new Report({ ...worst.document.report, sticker: judged.report.sticker }),
    page: worst === undefined ? sayUnverified(shown) : sayOf(worst, shown, place, task.policy),
    faults: place.faults,
    doubts: place.doubts,
    states: listStates(place.documents),
    isOutOfStep: place.isOutOfStep,
    isSentUsed: await place.usesSent(),
  };
}

const weigh = ({ shown }) => SEVERITY.indexOf(shown);

/** A sticker on what no document verifies: one is to come, unless it must be verified again. */
const sayUnverified = ({ instrument }) =>
  instrument?.status === Status.NEEDS_REVERIFICATION ? "NEEDS_REVERIFICATION" : "STICKER_PENDING";

/** What a document says; of one that has ended, or leaves a part without any, that the next is to come. */
function sayOf(worst, shown, { lacksPart }, policy) {
  const isLacking = lacksPart && SEVERITY.slice(SEVERITY.indexOf("PAPER")).includes(worst.shown);
  return isLacking || waits(shown, worst, policy) ? "STICKER_PENDING" : worst.shown;
}

/** Whether a sticker was put on after the last day of the newest document: another is to come. */
function waits({ since }, { shown, document }, { zone }) {
  const until = document.report.document?.validUntil ?? null;
  return shown === "EXPIRED" && until !== null && localDate(since, zone) > until;
}

const nameFiles = (bundleText, newestText) => `${bundleText}\n${newestText}`;

/** The instrument, or the part of one, that a sticker stands on, and the documents that the proofs ask for. */
class Place {
  faults = [];
  doubts = [];
  documents = [];
  isOutOfStep = false;
  /** Whether documents of parts alone name a part that none verifies: they do not verify the whole then. */
  lacksPart = false;
  #opened = new Map();

  constructor({ binding, instrument, whole }, size, task) {
    this.id = binding.instrumentId;
    this.name = encodeHex(binding.instrumentId);
    this.part = binding.part;
    this.own = instrument?.currentCertificate ?? null;
    this.whole = whole?.currentCertificate ?? null;
    this.size = size;
    this.task = task;
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
    const document = await openDocument(bundleText, newestText, this.task);
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
      en: `the proof of the sticker is of ${this.size} leaves, that of the document of ${size}`,
      zh: `贴纸证明文件对应账本${this.size}条，证书证明文件对应${size}条`,
    });
  }

  /** Another document in the same state of the log is a lie; in another state it may be the next one. */
  sayMissing(index, other) {
    const newest = other?.document.newest ?? null;
    if (newest !== null && newest.size !== this.size) {
      this.documents.push(other.document);
      this.sayOutOfStep(newest.size);
    } else if (newest !== null) {
      const en = `the document that was sent is not leaf ${index}, the newest of what the sticker stands on`;
      this.faults.push(failed(Step.BINDING, en, `收到的证书并非贴纸所在器具的最新证书（账本第${index}条）`));
    } else {
      this.doubts.push({
        en: `the proof of leaf ${index}, the newest document of what the sticker stands on, is not at hand`,
        zh: `手头没有贴纸所在器具最新证书（账本第${index}条）的证明文件`,
      });
    }
  }
}
