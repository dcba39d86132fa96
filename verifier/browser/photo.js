// A photograph of an instrument, and which bytes may be one: ledger/core/photo.py.
import { encodeUtf8, equalBytes } from "./encoding.js"
import { refuse } from "./errors.js"
import { sha256 } from "./sha256.js"

const MAX_PHOTO_BYTES = 200 * 1024
const MAX_PHOTO_SIDE = 1280
const JFIF = 0xe0, FRAME = 0xc0, HUFFMAN = 0xc4, QUANTISATION = 0xdb, SCAN = 0xda
const PARTS = new Set([JFIF, FRAME, HUFFMAN, QUANTISATION, SCAN])
const JFIF_NAME = encodeUtf8("JFIF\0")

const no = (expected) => refuse(`expected a plain baseline JPEG: ${expected}`, "photo")

/** Parse the member `photo` of a registration: {digest, width, height, takenOn}. */
export function parsePhotograph(reader) {
  const found = {
    digest: reader.hex("sha256", 32),
    width: reader.integer("width", 1, MAX_PHOTO_SIDE),
    height: reader.integer("height", 1, MAX_PHOTO_SIDE),
    takenOn: reader.date("taken_on"),
  }
  reader.finish()
  return Object.freeze(found)
}

/** Check that these bytes are the picture that a registration names. */
export function checkPhoto(raw, photograph) {
  if (!equalBytes(sha256(raw), photograph.digest)) refuse("has another SHA-256 than the registration names", "photo")
  const [width, height] = measurePhoto(raw)
  if (width !== photograph.width || height !== photograph.height) refuse("has another size than the registration names", "photo")
}

/** Width and height of a baseline colour JPEG that holds its pixels and nothing beside them (ITU-T T.81 annex B). */
export function measurePhoto(raw) {
  if (raw.length > MAX_PHOTO_BYTES) refuse(`has ${raw.length} bytes`, "photo")
  const frames = listParts(raw).filter(([marker]) => marker === FRAME).map(([, part]) => part)
  if (frames.length !== 1 || frames[0].length !== 15 || frames[0][0] !== 8) no("one frame of three components")
  const [, a, b, c, d] = frames[0], height = a * 256 + b, width = c * 256 + d
  const fits = [width, height].every((side) => 1 <= side && side <= MAX_PHOTO_SIDE)
  return fits ? [width, height] : no("smaller sides")
}

/** Marker and content of each part up to the one scan, behind which the file ends. */
function listParts(raw) {
  if (raw[0] !== 0xff || raw[1] !== 0xd8) no("a JPEG")
  const parts = []
  let at = 2, marker = 0
  while (marker !== SCAN) {
    marker = raw[at] === 0xff && at + 4 <= raw.length ? raw[at + 1] : 0
    const size = raw[at + 2] * 256 + raw[at + 3], part = raw.subarray(at + 4, at + 2 + size)
    if (!PARTS.has(marker) || size < 2 || part.length !== size - 2) no("no parts but those that hold the picture")
    if (marker === JFIF && (size !== 16 || !equalBytes(part.subarray(0, 5), JFIF_NAME))) no("no application data")
    parts.push([marker, part])
    at += 2 + size
  }
  while ((at = raw.indexOf(0xff, at)) >= 0 && raw[at + 1] === 0) at += 2
  if (at < 0 || raw[at + 1] !== 0xd9 || at + 2 !== raw.length) no("its end behind the one scan, and nothing more")
  return parts
}
