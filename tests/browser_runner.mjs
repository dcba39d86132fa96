// Runs code against the verifier's modules for browsers: reads {folder, curves, script, payload} as JSON from
// standard input, writes what the script returns. See browser_node.py, which says how values are written.
import { readFileSync } from "node:fs"
import { pathToFileURL } from "node:url"

const { folder, noble, script, payload } = JSON.parse(readFileSync(0, "utf8"))
const load = (name) => import(pathToFileURL(`${folder}/${name}.js`))

/** What stands for a value: bytes, big integers and maps are tagged. */
export function dump(value) {
  if (value === undefined) return { $undefined: true }
  if (typeof value === "bigint") return { $big: String(value) }
  if (value instanceof Uint8Array) return { $hex: Buffer.from(value).toString("hex") }
  if (value instanceof Map) return { $map: [...value].map(([key, item]) => [dump(key), dump(item)]) }
  if (value instanceof Set) return { $set: [...value].map(dump) }
  if (Array.isArray(value)) return value.map(dump)
  if (typeof value === "object" && value !== null) {
    if (typeof value.coefficient === "bigint") return { $decimal: [String(value.coefficient), value.exponent] }
    return Object.fromEntries(Object.entries(value).filter(([, item]) => typeof item !== "function").map(([name, item]) => [name, dump(item)]))
  }
  return value
}

/** The value that such an object stands for. */
export function undump(value) {
  if (Array.isArray(value)) return value.map(undump)
  if (typeof value !== "object" || value === null) return value
  if ("$hex" in value) return new Uint8Array(Buffer.from(value.$hex, "hex"))
  if ("$big" in value) return BigInt(value.$big)
  if ("$map" in value) return new Map(value.$map.map(([key, item]) => [undump(key), undump(item)]))
  if ("$set" in value) return new Set(value.$set.map(undump))
  return Object.assign(Object.create(null), Object.fromEntries(Object.entries(value).map(([name, item]) => [name, undump(item)])))
}

/** {value} of what a function returns, or {error, message} of what it raises: anything but our errors ends the run. */
async function outcome(run) {
  const { LedgerError } = await load("errors")
  try {
    return { value: dump(await run()) }
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error
    return { error: error.name, message: error.message }
  }
}

const { curves } = await load("signature")
curves.load = (name) => import(pathToFileURL(`${noble}/${name}.js`))
const run = (0, eval)(`(${script})`)
const answer = await run({ load, outcome, dump, undump, curves }, undump(payload))
process.stdout.write(JSON.stringify(answer))
