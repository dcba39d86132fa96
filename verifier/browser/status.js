// What the fold works on: states of subjects, the registers, and what an event does to them: ledger/core/status.py.
import { encodeHex } from "./encoding.js";
import { makerSubject } from "./event.js";
import { PublishedRules } from "./published_rule.js";
import { Plain } from "./register_fields.js";
import { Conclusion } from "./statement.js";
import { BlockContent } from "./type_approval.js";

export const Status = Object.freeze({
  VALID: 1, FAILED: 2, SUPERSEDED: 3, CANCELLED: 4, WITHDRAWN: 5, SUSPENDED: 6, NEEDS_REVERIFICATION: 7, REGISTERED: 8,
  ACTIVE: 16, INACTIVE: 17, VOID: 255,
});

/** The name of a status. */
export const nameStatus = (status) => Object.keys(Status).find((name) => Status[name] === status);

/** The status that a document itself has once it is issued: FAILED is for rejection notices alone. */
export const findIssuedStatus = (claims) =>
  claims.isVerification && claims.conclusion === Conclusion.FAIL ? Status.FAILED : Status.VALID;

/** Newest state of one subject. */
export class SubjectState extends Plain {
  constructor(status, version, lastEvent, currentCertificate) {
    super({ status, version, lastEvent, currentCertificate });
  }
}

/** Whether two states, or absent ones, are equal. */
export const equalStates = (one, other) =>
  one === other ||
  (one !== null &&
    other !== null &&
    ["status", "version", "lastEvent", "currentCertificate"].every((name) => one[name] === other[name]));

/** A key, whose it is, and the leaf indices between which it counts: `key, owner, since, until, compromisedFrom`. */
export class RegisteredKey extends Plain {
  /** Whether a statement at this index may be signed with the key. */
  isActiveAt(index) {
    return this.since <= index && (this.until === null || index < this.until);
  }
}

/** What the register events have established so far. Keys of maps: ids as text, key ids and subjects in hex. */
export class Registers {
  root = null;
  roots = []; // SHA-256 of the content of every version, in order
  authorities = new Map();
  institutions = new Map();
  scopes = new Map(); // by `institution id`, NUL, `line id`: newest version of each line
  versions = new Map(); // by subject: `{index, issuer, content}`, oldest first
  rules = new PublishedRules();
  blocks = new Map(); // by subject of the maker: set of the subjects of its blocks
  rolls = new Map();
  keys = new Map();
  twins = new Map(); // no register event makes any
  policyVersion = null;

  /** Versions of what is registered, newest first. */
  #list(name) {
    return [...(this.versions.get(name) ?? [])].reverse().map(({ content }) => content);
  }

  #newest(name, kind) {
    const [content] = this.#list(name);
    return content instanceof kind ? content : null;
  }

  /** The newest version of what is registered, whichever day it is from. */
  findNewest(subject, kind) {
    return this.#newest(encodeHex(subject), kind);
  }

  /** The version that counts on a day: the newest of those that begin no later. */
  findOn(subject, kind, day) {
    const fits = (content) => content instanceof kind && content.validFrom <= day;
    return this.#list(encodeHex(subject)).find(fits) ?? null;
  }

  /** The newest version of everything of one kind, in the order of first registration. */
  listNewest(kind, names = this.versions.keys()) {
    return [...names].map((name) => this.#newest(name, kind)).filter((content) => content);
  }

  /** The newest version of every block of a maker's instruments. */
  listBlocks(maker) {
    return this.listNewest(BlockContent, this.blocks.get(encodeHex(makerSubject(maker))) ?? []);
  }
}

/** What an event does: new states by subject in hex, and the change to the registers if it makes one. */
export class Effect extends Plain {
  constructor(subject, prev, changes, apply = null) {
    super({ subject, prev, changes, apply });
  }

  /** The new state of the event's own subject. */
  get state() {
    return this.changes.get(encodeHex(this.subject));
  }
}

/** Why a leaf has no effect. */
export class Void extends Plain {
  constructor(subject, reason) {
    super({ subject, reason });
  }
}
