/** status.py: what the fold works on: the state of a subject, the registers, and what an event does to them. */
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

/** Return the name of a status. */
export const nameStatus = (status) => Object.keys(Status).find((name) => Status[name] === status);

const last = (items) => items[items.length - 1];

/** Return the status that a document itself has once it is issued: FAILED is for rejection notices alone. */
export const findIssuedStatus = (claims) =>
  claims.isVerification && claims.conclusion === Conclusion.FAIL ? Status.FAILED : Status.VALID;

/** Newest state of one subject. */
export class SubjectState extends Plain {
  constructor(status, version, lastEvent, currentCertificate) {
    super({ status, version, lastEvent, currentCertificate });
  }
}

/** Tell whether two states, or absent ones, are equal. */
export const equalStates = (one, other) =>
  one === null || other === null
    ? one === other
    : one.status === other.status &&
      one.version === other.version &&
      one.lastEvent === other.lastEvent &&
      one.currentCertificate === other.currentCertificate;

/** A key, whose it is, and the leaf indices between which it counts: `key, owner, since, until, compromisedFrom`. */
export class RegisteredKey extends Plain {
  /** Tell whether a statement at this index may be signed with the key. */
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
  twins = new Map(); // by subject: set of subjects that are the same instrument
  policyVersion = null;

  /** Return the newest version of what is registered, whichever day it is from. */
  findNewest(subject, kind) {
    return this.#newest(encodeHex(subject), kind);
  }

  #newest(subject, kind) {
    const content = last(this.versions.get(subject) ?? [])?.content;
    return content instanceof kind ? content : null;
  }

  /** Return the version that counts on a day: the newest of those that begin no later. */
  findOn(subject, kind, day) {
    const versions = this.versions.get(encodeHex(subject)) ?? [];
    return [...versions].reverse().find(({ content }) => content instanceof kind && content.validFrom <= day)?.content ?? null;
  }

  /** Return the newest version of everything of one kind, in the order of first registration. */
  listNewest(kind) {
    return [...this.versions.keys()].map((subject) => this.#newest(subject, kind)).filter((found) => found !== null);
  }

  /** Return the newest version of every block of a maker's instruments. */
  listBlocks(maker) {
    const blocks = this.blocks.get(encodeHex(makerSubject(maker))) ?? [];
    return [...blocks].map((block) => this.#newest(block, BlockContent)).filter((found) => found !== null);
  }
}

/** What an event does: new states by subject in hex, and the change to the registers if it makes one. */
export class Effect extends Plain {
  constructor(subject, prev, changes, apply = null) {
    super({ subject, prev, changes, apply });
  }
  /** Return the new state of the event's own subject. */
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
