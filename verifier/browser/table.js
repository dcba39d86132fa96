// Strict reading of CSV tables that hold rules: ledger/core/table.py.
import { parseDate, parseDecimal } from "./encoding.js";
import { InputError, refuse } from "./errors.js";
import { compare, fraction } from "./exact.js";
import { hasOuterSpace } from "./text.js";

const MAX_CHARACTERS = 1 << 20;
const MAX_CELL = 131_072;
const CELL = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n][^,\r\n]*)?)(,|\r\n|\n|\r|$)/y;

const isLonger = (text, most) => text.length > most && [...text].length > most;

/** One row: a cell by each column, an empty one is an absent value; `label` is what messages call the row. */
export class TableRow {
  constructor(cells, label) {
    this.cells = cells;
    this.label = label;
  }

  path(column) {
    return `${this.label}: ${column}`;
  }

  /** The cell, null where it is empty. */
  optionalText(column) {
    const cell = this.cells.get(column);
    if (hasOuterSpace(cell)) refuse("begins or ends with white space", this.path(column));
    return cell || null;
  }

  text(column) {
    return this.optionalText(column) ?? refuse("is empty", this.path(column));
  }

  optionalDecimal(column) {
    return this.#parse(column, parseDecimal);
  }

  /** The whole number in the cell, 1 to `largest`. */
  optionalCount(column, largest) {
    const number = this.optionalDecimal(column);
    if (number === null) return null;
    const isCount = number.exponent === 0 && number.coefficient >= 1n && compare(number, fraction(largest)) <= 0;
    return isCount ? Number(number.coefficient) : refuse(`expected 1 to ${largest}`, this.path(column));
  }

  optionalDate(column) {
    return this.#parse(column, parseDate);
  }

  /** The cell, which must be one of the values of `kind`. */
  optionalCode(column, kind) {
    const [cell, known] = [this.optionalText(column), Object.values(kind)];
    return cell === null || known.includes(cell) ? cell : refuse(`is not one of ${known}`, this.path(column));
  }

  flag(column) {
    const cell = this.cells.get(column);
    return cell === "yes" || (cell === "no" ? false : refuse("expected yes or no", this.path(column)));
  }

  #parse(column, parse) {
    const cell = this.optionalText(column);
    try {
      return cell === null ? null : parse(cell);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      return refuse(error.reason, this.path(column));
    }
  }
}

/** Yield every line of a CSV text (RFC 4180) as its cells, with the number of the line on which it ends. */
function* readLines(name, text) {
  const pattern = new RegExp(CELL);
  for (let cells = [], line = 1; pattern.lastIndex < text.length || cells.length; ) {
    const found = pattern.exec(text) ?? refuse("not a CSV table", name);
    const [all, quoted, plain = "", end] = found;
    const cell = quoted === undefined ? plain : quoted.replaceAll('""', '"');
    if (isLonger(cell, MAX_CELL)) refuse("not a CSV table: a cell is too long", name);
    cells.push(cell);
    line += all.match(/\r\n?|\n/g)?.length ?? 0;
    if (end === ",") continue;
    yield [cells, end ? line - 1 : line];
    cells = [];
  }
}

/** Yield the rows of a CSV table, whose first line holds exactly the columns; `name` is what messages call it. */
export function* readTable(name, text, columns) {
  if (isLonger(text, MAX_CHARACTERS)) refuse(`table ${name} of more than ${MAX_CHARACTERS} characters`);
  let isFirst = true;
  for (const [cells, number] of readLines(name, text)) {
    const label = `${name} row ${number}`;
    if (cells.length !== columns.length) refuse(`${cells.length} cells instead of ${columns.length}`, isFirst ? name : label);
    if (!isFirst) yield new TableRow(new Map(columns.map((column, at) => [column, cells[at]])), label);
    else if (cells.some((cell, at) => cell !== columns[at])) refuse(`the first line must be ${columns}`, name);
    isFirst = false;
  }
  if (isFirst) refuse(`the first line must be ${columns}`, name);
}
