// Ids of stickers, as `ledger/core/sticker.py` reads them; which rolls are the institution's own says the round.
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SYMBOLS = 16;
const ROLL_SYMBOLS = 7;
const NUMBER_SYMBOLS = 4;
const ALIASES = { O: "0", I: "1", L: "1" };

const multiplyByX = (value) => {
  const doubled = value << 1;
  return doubled & 32 ? doubled ^ 0b100101 : doubled;
};

const faulty = (en, zh) => ({ id: null, fault: { en, zh }, doubt: null });

/** Return an id as it is printed: four groups of four. */
export const formatSticker = (id) => id.match(/.{4}/g).join("-");

/**
 * Return what stands for the id in what was typed or scanned, or `fault`: a link leads to the round's own host, in
 * the one spelling that is printed. A right id under another host is what a forger prints.
 */
const readLink = (text, host) => {
  const plain = text.normalize("NFKC").trim();
  if (!plain.includes("/")) return { typed: plain };
  const own = `https://${host}/`;
  if (!text.trim().startsWith(own)) {
    return faulty(`this code does not lead to ${host}: do not use it`, `该码并非指向${host}，请勿使用`);
  }
  const [kind, typed, ...more] = plain.slice(own.length).split("/");
  if (kind !== "s" || !typed || more.length) return faulty("this is the code of something else, not that of a sticker", "这不是标志的二维码");
  return { typed };
};

/**
 * Read what was typed, or what a scanner typed: an id, or the link of a sticker's code; `round` names host and rolls.
 * Returns `id` (16 symbols), or null with `fault`, a sentence in both languages. `doubt` is one, too, and no
 * refusal: a roll may have been allotted after the round was prepared, and the office knows more.
 */
export const readSticker = (text, { host, rolls }) => {
  const link = readLink(text, host);
  if (link.fault) return link;
  const typed = link.typed.toUpperCase().replace(/[-\s]/g, "");
  const id = [...typed].map((symbol) => ALIASES[symbol] ?? symbol).join("");
  const strange = [...id].find((symbol) => !ALPHABET.includes(symbol));
  if (strange !== undefined) return faulty(`a sticker's id has no character ${strange}`, `标志编号中没有字符“${strange}”`);
  if (id.length !== SYMBOLS) {
    return faulty(`a sticker's id has ${SYMBOLS} letters and digits, not ${id.length}`, `标志编号为${SYMBOLS}位字母和数字，现为${id.length}位`);
  }
  const sum = [...id].reduce((total, symbol) => multiplyByX(total) ^ ALPHABET.indexOf(symbol), 0);
  if (sum !== 0) return faulty("a letter or digit of the sticker's id is wrong or in the wrong place", "标志编号有误（校验位不符），请逐位核对");
  return findRoll(id, rolls);
};

const findRoll = (id, rolls) => {
  const code = id.slice(0, ROLL_SYMBOLS);
  const roll = rolls.find((one) => one.roll === code);
  if (roll === undefined) {
    const doubt = { en: `roll ${code} is none of this institution's that this round knows: the office will look`, zh: `标志卷${code}不在任务单所列本机构标志卷中，同步后由办公系统核对` };
    return { id, fault: null, doubt };
  }
  const symbols = [...id.slice(ROLL_SYMBOLS, ROLL_SYMBOLS + NUMBER_SYMBOLS)];
  const number = symbols.reduce((total, symbol) => total * 32 + ALPHABET.indexOf(symbol), 0);
  if (number >= roll.count) return faulty(`roll ${code} has no sticker of this number`, `标志卷${code}没有该编号的标志`);
  return { id, fault: null, doubt: null };
};
