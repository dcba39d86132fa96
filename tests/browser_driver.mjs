// Asks the browser's verifier one question, in node or in a page; see browser_cases.py. `load` imports a module by name.

const BOOKS = new Map();

const toBytes = (text) => (text === null ? null : Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));

/** Return the report's members, {error} with the class of what was refused, or {fault} where the verifier broke. */
export async function judge(load, ruleBook, { kind, raw, policy, trust, now }) {
  const [{ Session }, { parsePolicy }, { parseTrustList }, { reportMembers }, { LedgerError }] = await Promise.all(
    ["session", "policy", "trust", "report", "errors"].map(load),
  );
  const { verifyBundle } = await load("verify");
  const { verifyCertificate, verifyStatementAlone } = await load("alone");
  try {
    if (!BOOKS.size) BOOKS.set("", (await load("regulation")).parseRuleBook(ruleBook.rules, ruleBook.limits));
    const list = trust === null ? null : parseTrustList(toBytes(trust));
    const session = await Session.open(parsePolicy(toBytes(policy)), BOOKS.get(""), list);
    const bytes = toBytes(raw);
    if (kind === "statement") return reportMembers(await verifyStatementAlone(bytes, session, now));
    if (kind === "certificate") {
      const certificate = (await load("certificate")).parseCertificate(bytes);
      return reportMembers(await verifyCertificate(certificate, session, now));
    }
    if (kind === "sticker") {
      const [{ parseStickerProof }, { verifyStickerProof }] = await Promise.all(["sticker_proof", "sticker_verdict"].map(load));
      const { report, shown } = await verifyStickerProof(parseStickerProof(bytes), session, now);
      return { ...reportMembers(report), found: shown?.standing ?? null };
    }
    if (kind === "absence") {
      const { parseAbsenceProof, verifyAbsenceProof } = await load("absence_proof");
      const { report, absence } = await verifyAbsenceProof(parseAbsenceProof(bytes), session, now);
      return { ...reportMembers(report), found: absence };
    }
    return reportMembers(await verifyBundle((await load("bundle")).parseBundle(bytes), session, now));
  } catch (error) {
    if (error instanceof LedgerError) return { error: error.name };
    return { fault: String(error.stack) };
  }
}
