// What institutions have registered of an instrument: ledger/core/registration.py.
import { encodeHex } from "./encoding.js"
import { refuse } from "./errors.js"
import { parsePhotograph } from "./photo.js"
import { Plain, category, contentParser, division, optText, text } from "./register_fields.js"

const Likeness = Object.freeze({ SAME: "same", DIFFERENT: "different" })
const MAX_BYTES = 200

export class InstrumentContent extends Plain {}

const list = (name, maxBytes, most) => (reader) => {
  const found = reader.optTexts(name, { maxBytes, most })
  if (found !== null && (!found.length || new Set(found).size !== found.length)) reader.refuse(name, "expected at least one, each once")
  return found ?? []
}

function parseCodes(reader) {
  if (reader === null) return []
  const found = ["production", "repair", "verification"].map((name) => [name, reader.optText(name, { maxBytes: MAX_BYTES })])
  const codes = found.filter(([, code]) => code !== null)
  if (!codes.length) reader.refuse("production", "expected at least one code")
  reader.finish()
  return codes
}

function parseAnswer(reader) {
  const answer = {
    other: reader.hex("id", 16),
    likeness: reader.enum("is", Likeness),
    person: reader.text("by", { maxBytes: 32 }),
    answeredOn: reader.date("on"),
  }
  reader.finish()
  return answer
}

function parseAnswers(reader) {
  const answers = (reader.optObjects("answers", { least: 1, most: 64 }) ?? []).map(parseAnswer)
  const others = answers.map((answer) => encodeHex(answer.other))
  if (others.some((each, at) => at && others[at - 1] >= each)) reader.refuse("answers", "expected each instrument once, by id")
  return answers
}

/** Parse an INSTRUMENT content. */
export const parseInstrumentContent = contentParser(
  InstrumentContent,
  {
    id: (reader) => reader.hex("id", 16),
    category,
    model: optText("model", MAX_BYTES),
    serial: text("serial", MAX_BYTES),
    maker: optText("maker", MAX_BYTES),
    typeApprovalNo: optText("cpa_no", 64),
    year: (reader) => reader.optInteger("year", 1800, 9999),
    codes: (reader) => parseCodes(reader.optObject("codes")),
    parts: list("parts", 8, 64),
    retired: list("retired", 8, 64),
    sealPoints: list("seal_points", MAX_BYTES, 32),
    division,
    answers: parseAnswers,
    photo: (reader) => (reader.has("photo") ? parsePhotograph(reader.object("photo")) : null),
  },
  (content) => {
    if (content.retired.some((part) => content.parts.includes(part))) refuse("names a part that is in use", "content.retired")
    if (content.answers.some((answer) => encodeHex(answer.other) === encodeHex(content.id))) {
      refuse("names the instrument itself", "content.answers")
    }
  },
)
