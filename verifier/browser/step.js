// The numbered steps of a verification, their outcomes and their sentences: ledger/core/step.py.

export const PASSED = "PASSED"
export const FAILED = "FAILED"
export const NOT_CHECKED = "NOT_CHECKED"
export const Outcome = Object.freeze({ PASSED, FAILED, NOT_CHECKED })
export const Verdict = Object.freeze({ VALID: "VALID", ATTENTION: "ATTENTION", INVALID: "INVALID", UNKNOWN: "UNKNOWN" })

/** The steps in their order: `{number, name, code, title: {en, zh}}`. */
export const STEPS = Object.freeze([
  ["INTEGRITY", "file integrity", "文件完整性"],
  ["BINDING", "parts belong together", "各部分相互对应"],
  ["SEAL", "institution seal on the certificate", "机构印章签名"],
  ["STATEMENT", "signature of the statement", "声明签名"],
  ["KEY", "key active at its position in the log", "密钥在登记位置有效"],
  ["AUTHORITY", "authority of the institution", "机构授权链"],
  ["SCOPE", "scope of the authorisation", "授权范围"],
  ["PERSONS", "persons", "检定、核验、批准人员"],
  ["REGULATION", "verification regulation in force", "检定规程现行有效"],
  ["STANDARDS", "measurement standards", "计量标准"],
  ["LIMITS", "results within limits", "结果在允许范围内"],
  ["INCLUSION", "included in the ledger", "已载入账本"],
  ["CHECKPOINT", "signed state of the ledger", "账本签名状态"],
  ["QUORUM", "witnesses", "见证"],
  ["RECEIPT", "anchor receipt", "存证回执"],
  ["CHAIN", "seen on chain", "链上核对"],
  ["TIME", "order of the times", "时间顺序"],
  ["EXPIRY", "validity within the regulation", "有效期符合规程"],
  ["STATUS", "newest status", "最新状态"],
  ["TYPE", "type approval and blocks", "型式批准与停止检定"],
].map(([name, en, zh], at) => Object.freeze({ number: at + 1, name, code: name.toLowerCase(), title: Object.freeze({ en, zh }) })))

/** The same steps by name: `Step.INCLUSION`. */
export const Step = Object.freeze(Object.fromEntries(STEPS.map((step) => [step.name, step])))

const check = (step, outcome, en, zh, warning = false) => Object.freeze({ step, outcome, reason: Object.freeze({ en, zh }), warning })

/** A step that passed; with a warning people should look. */
export const passed = (step, en, zh, { warning = false } = {}) => check(step, PASSED, en, zh, warning)

/** A step that failed. */
export const failed = (step, en, zh) => check(step, FAILED, en, zh)

/** A step that could not be looked at. */
export const notChecked = (step, en, zh) => check(step, NOT_CHECKED, en, zh)
