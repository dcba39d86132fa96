// Copies the curves of @noble from node_modules to api/web/static/vendor/noble, for devices whose own cryptography lacks
// them, and writes down where every file in api/web/static/vendor is from. Called by scripts/vendor.
//
// A copy is the package's own module, without comments but the licence's and without source map; imports of packages
// become relative ones. `ed25519` and `nist` are loaded where signatures need them, `bls12-381` for certificates.
// Usage: node scripts/vendor.mjs [FOLDER]
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, posix, resolve as resolveFolder } from "node:path"
import { fileURLToPath } from "node:url"

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..")
const PACKAGES = join(ROOT, "node_modules")
const VENDOR = resolveFolder(process.argv[2] ?? join(ROOT, "api", "web", "static", "vendor"))
const ENTRIES = ["ed25519.js", "nist.js", "bls12-381.js"]
const IMPORT = /^((?:import|export) [^;]*? from )(["'])([^"']+)\2/gm

/** Whose a file is, by its path in the folder; the first that fits. */
const OWNERS = [
  [/^noble\/hashes\//, "@noble/hashes"],
  [/^noble\//, "@noble/curves"],
  [/^htmx/, "htmx.org"],
  [/^zxing/, "zxing-wasm"],
]
const OWN = ["manifest.json", "LICENSES.txt"]

const readPackage = (name) => JSON.parse(readFileSync(join(PACKAGES, name, "package.json"), "utf8"))

/** Where a module of @noble lies in node_modules, by its path in the copy. */
const findSource = (path) =>
  join(PACKAGES, "@noble", path.startsWith("hashes/") ? path : posix.join("curves", path))

/** The path in the copy of what a module imports. */
function resolve(path, wanted) {
  if (wanted.startsWith("@noble/hashes/")) return wanted.slice("@noble/".length)
  if (!wanted.startsWith(".")) throw new Error(`vendor: ${path} imports ${wanted}, which is not served`)
  return posix.join(posix.dirname(path), wanted)
}

/** A module without comments that fill lines, but the licence's. */
const strip = (text) =>
  text
    .replace(/^[ \t]*\/\*(?!!)(?:(?!\*\/)[^])*\*\/[ \t]*\n/gm, "")
    .replace(/^[ \t]*\/\/.*\n?/gm, "")
    .replace(/^[ \t]+|\n(?=\n)/gm, "")

/** Copy these modules and what they import. */
function copyCurves() {
  rmSync(join(VENDOR, "noble"), { recursive: true, force: true })
  const waiting = [...ENTRIES], done = new Set()
  while (waiting.length) {
    const path = waiting.pop()
    if (done.has(path)) continue
    done.add(path)
    const text = readFileSync(findSource(path), "utf8").replace(IMPORT, (_, head, quote, wanted) => {
      const target = resolve(path, wanted)
      waiting.push(target)
      const near = posix.relative(posix.dirname(path), target)
      return `${head}${quote}${near.startsWith(".") ? near : `./${near}`}${quote}`
    })
    const to = join(VENDOR, "noble", path)
    mkdirSync(dirname(to), { recursive: true })
    writeFileSync(to, strip(text))
  }
}

/** Write names, versions, licences and SHA-256 of everything that is there. */
function writeManifest() {
  const found = readdirSync(VENDOR, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => posix.join(...join(entry.parentPath ?? entry.path, entry.name).slice(VENDOR.length + 1).split(/[\\/]/)))
    .filter((path) => !OWN.includes(path))
    .sort()
  const packages = new Map()
  for (const path of found) {
    const owner = OWNERS.find(([pattern]) => pattern.test(path))?.[1]
    if (!owner) throw new Error(`vendor: nobody has said where ${path} is from`)
    if (!packages.has(owner)) {
      const { name, version, license } = readPackage(owner)
      packages.set(owner, { name, version, licence: license, files: {} })
    }
    packages.get(owner).files[path] = createHash("sha256").update(readFileSync(join(VENDOR, path))).digest("hex")
  }
  const sorted = [...packages.values()].sort((one, other) => (one.name < other.name ? -1 : 1))
  writeFileSync(join(VENDOR, "manifest.json"), JSON.stringify({ packages: sorted }, null, 1) + "\n")
  writeFileSync(join(VENDOR, "LICENSES.txt"), sorted.map(spellLicence).join("\n"))
}

function spellLicence({ name, version, licence }) {
  const path = join(PACKAGES, name, "LICENSE")
  return `${name} ${version} (${licence})\n\n${existsSync(path) ? readFileSync(path, "utf8") : ""}`
}

copyCurves()
writeManifest()
