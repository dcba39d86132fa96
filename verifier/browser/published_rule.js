// A row of the rule book, and its limits, as an authority publishes them: ledger/core/published_rule.py.
import { RULE_BOOK_DOMAIN } from "./constants.js";
import { compareBytes } from "./encoding.js";
import { refuse } from "./errors.js";
import { CONFIRMED, checkOverlaps, LIMIT_COLUMNS, parseLimit } from "./limit.js";
import { contentParser, Plain, RegisterState, state } from "./register_fields.js";
import { normaliseCitation, parseRule, RULE_COLUMNS, RuleBook } from "./regulation.js";
import { sha256 } from "./sha256.js";
import { TableRow } from "./table.js";

export class RegulationContent extends Plain {
  get category() {
    return this.rule.category;
  }
  get regulationId() {
    return this.rule.regulationId ?? "";
  }
}

/** Parse the content of a REGULATION. */
export const parseRegulationContent = (raw) => {
  const read = contentParser(RegulationContent, {
    digest: () => sha256(raw),
    rule: (reader) => {
      const row = readRow(reader.object("rule"), RULE_COLUMNS, "content.rule", {});
      const named = { regulation: row.text("regulation") };
      const limits = reader
        .objects("limits", { most: 256 })
        .map((item, at) => parseLimit(readRow(item, LIMIT_COLUMNS, `content.limits[${at}]`, named)));
      checkOverlaps(limits);
      return parseRule(row, limits);
    },
    state,
  });
  return read(raw);
};

/** Members of the names of columns as a row; what is stated otherwise must not stand there again. */
const readRow = (reader, columns, label, given) => {
  const stated = { confidence: CONFIRMED, ...given };
  const cells = new Map();
  for (const column of columns) {
    const text = reader.optText(column, { maxBytes: 1000 });
    if (text !== null && column in stated) refuse("goes without saying", `${label}.${column}`);
    cells.set(column, text ?? stated[column] ?? "");
  }
  reader.finish();
  return new TableRow(cells, label);
};

const nameOf = (row) => `${row.category} ${normaliseCitation(row.regulationId ?? "")}`;
const nameDay = (row) => `${row.category} ${row.effectiveOn}`;

/** The rows that authorities have published, and the rule books that they make. Never changed. */
export class PublishedRules {
  #books = new Map();
  constructor(contents = []) {
    this.contents = contents;
  }

  /** What is published after one more was, or was withdrawn. */
  follow(content) {
    const kept = this.contents.filter((item) => nameOf(item.rule) !== nameOf(content.rule));
    return new PublishedRules(content.state === RegisterState.ACTIVE ? [...kept, content] : kept);
  }

  /** A book of nothing but these rows: what a policy for production goes by. */
  get alone() {
    return this.#overlay(ALONE);
  }

  /** A book in which these rows take the place of those of the same name, or the same first day. */
  over(book) {
    return this.contents.length ? this.#overlay(book) : book;
  }

  #overlay(book) {
    if (!this.#books.has(book)) this.#books.set(book, overlay(book, this.contents));
    return this.#books.get(book);
  }
}

const ALONE = new RuleBook([], new Uint8Array(32));

const overlay = (book, contents) => {
  const rows = contents.map((content) => content.rule);
  const [names, days] = [rows.map(nameOf), rows.map(nameDay)];
  const kept = book.rows.filter((row) => !names.includes(nameOf(row)) && !days.includes(nameDay(row)));
  const digests = contents.map((content) => content.digest).sort(compareBytes);
  return new RuleBook([...kept, ...rows], sha256(RULE_BOOK_DOMAIN, book.digest, ...digests));
};
