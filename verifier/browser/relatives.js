// What bears on an instrument beside its own state, its parts or the whole of its part: verifier/relatives.py.
import { listRelatives } from "./event.js";
import { STATUS_WORDS } from "./report.js";
import { Status } from "./status.js";

const AGAINST = new Map([
  [Status.FAILED, "FAILED_SINCE"],
  [Status.NEEDS_REVERIFICATION, "NEEDS_REVERIFICATION"],
  [Status.SUSPENDED, "SUSPENDED"],
]);

/** Return what stands against parts, or the whole, since the newest document; MapProofError: one is not shown. */
export function findRelatives(claims, parts, proven, instrument) {
  const found = [];
  for (const [part, subject] of listRelatives(claims.instrumentId, claims.part, parts)) {
    const state = proven.find(subject);
    const status = state === null ? null : findStatusAgainst(state, instrument);
    if (status !== null) found.push({ state, text: describe(part, STATUS_WORDS[status], state.lastEvent) });
  }
  return found;
}

function describe(part, words, since) {
  const [en, zh] = part === null ? ["the whole", "整机"] : [`its part ${part}`, `部件${part}`];
  return { en: `${en} ${words.en} by leaf ${since}`, zh: `${zh}由账本第${since}条：${words.zh}` };
}

/** Return what the newest state of a part, or of the whole, says against a document; null: nothing. */
export function findStatusAgainst(relative, instrument) {
  const isSettled = relative.lastEvent <= (instrument.currentCertificate ?? -1);
  return isSettled ? null : AGAINST.get(relative.status) ?? null;
}
