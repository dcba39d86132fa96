// Stickers' ids and their tags: ledger/core/sticker.py (contents of rolls are read in register_content.js).
import { STICKER_DOMAIN } from "./constants.js"
import { bytesFromBig, encodeUtf8 } from "./encoding.js"
import { ALPHABET, completeCode, parseCode, spellSymbols } from "./qr.js"
import { sha256 } from "./sha256.js"

const ROLL_SYMBOLS = 7

/** The id of the sticker of this number, from 0, of a roll {roll, seed}. */
function computeStickerId(roll, number) {
  const [a, b, c] = sha256(STICKER_DOMAIN, roll.seed, encodeUtf8(roll.roll), bytesFromBig(BigInt(number), 4))
  return completeCode(roll.roll + spellSymbols(number, 4) + spellSymbols((a << 12) | (b << 4) | (c >> 4), 4))
}

/** The id that a person typed. */
export const parseStickerId = parseCode

/** The roll that an id names. */
export const findRoll = (sticker) => sticker.slice(0, ROLL_SYMBOLS)

/** The number within its roll that an id names. */
export const findNumber = (sticker) => [...sticker.slice(ROLL_SYMBOLS, 11)].reduce((sum, symbol) => sum * 32 + ALPHABET.indexOf(symbol), 0)

/** Whether a roll has given this id out. */
export const isOfRoll = (sticker, roll) =>
  findRoll(sticker) === roll.roll && findNumber(sticker) < roll.count && computeStickerId(roll, findNumber(sticker)) === sticker
