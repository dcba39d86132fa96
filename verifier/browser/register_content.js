// The content of each register event, and what it is about: ledger/core/register_content.py, register_subject.py, the
// rolls of sticker.py.
import {
  AuthorityContent, CompromiseContent, InstitutionContent, KeyContent, parseAuthorityContent, parseCompromiseContent,
  parseInstitutionContent, parseKeyContent, parsePolicyContent, parseRootContent, PolicyContent, RootContent,
} from "./authority.js";
import { nameCategory } from "./category.js";
import { refuse } from "./errors.js";
import { computeSubject, EventType, makerSubject, SubjectKind } from "./event.js";
import { parsePersonContent, PersonContent } from "./person.js";
import { parseRegulationContent, RegulationContent } from "./published_rule.js";
import { contentParser, id, Plain, state, text } from "./register_fields.js";
import { parseScopeContent, ScopeContent } from "./scope.js";
import { MaterialContent, parseMaterialContent, parseStandardContent, StandardContent } from "./standard.js";
import { BlockContent, parseBlockContent, parseTypeApprovalContent, TypeApprovalContent } from "./type_approval.js";

/** A roll of stickers, as it is allotted to an institution. */
export class RollContent extends Plain {}

/** Parse the content of a STICKER_ALLOTTED. */
export const parseRollContent = contentParser(RollContent, {
  roll: text("roll", 7, "[0-9A-HJKMNP-TV-Z]{7}"),
  institution: id("institution"),
  count: (reader) => reader.integer("count", 1, 2 ** 20),
  seed: (reader) => reader.hex("seed", 16),
  state,
});

const nothing = () => [];
const own = (content) => [content.institution, content.id];
const ofId = (content) => [content.id];
const ofKey = (content) => [content.key.multikeyBytes];

/** Of each register event: the class of its content, how that is read, the subject's kind, if of another name, and identity. */
const CONTENT_KINDS = Object.entries({
  ROOT: [RootContent, parseRootContent, nothing],
  DELEGATE: [AuthorityContent, parseAuthorityContent, ofId, "AUTHORITY"],
  POLICY: [PolicyContent, parsePolicyContent, nothing],
  INSTITUTION: [InstitutionContent, parseInstitutionContent, ofId],
  KEY: [KeyContent, parseKeyContent, ofKey],
  KEY_COMPROMISED_FROM: [CompromiseContent, parseCompromiseContent, ofKey, "KEY"],
  SCOPE: [ScopeContent, parseScopeContent, own],
  PERSON: [PersonContent, parsePersonContent, own],
  STANDARD: [StandardContent, parseStandardContent, own],
  REFERENCE_MATERIAL: [MaterialContent, parseMaterialContent, (content) => [content.id, content.lot]],
  REGULATION: [
    RegulationContent, parseRegulationContent, (content) => [nameCategory(content.category), content.regulationId],
  ],
  TYPE_APPROVAL: [TypeApprovalContent, parseTypeApprovalContent, (content) => [content.number]],
  BLOCK: [BlockContent, parseBlockContent, ofId],
  STICKER_ALLOTTED: [RollContent, parseRollContent, (content) => [content.roll], "ROLL"],
});

/** Parse the content of a register event. */
export const parseContent = (type, raw) => {
  const found = CONTENT_KINDS.find(([name]) => EventType[name] === type) ?? refuse("is not a register event");
  return found[1][1](raw);
};

/** What a register event is about. */
export const registerSubject = (content) => {
  const [name, [, , identify, kind = name]] = CONTENT_KINDS.find(([, [Kind]]) => content instanceof Kind);
  const identity = identify(content).flatMap((part) => ["\0", part]);
  return computeSubject(SubjectKind[kind], ...identity.slice(1));
};

/** Every subject that a register event touches, its own first. */
export const listRegisterSubjects = (content) =>
  content instanceof BlockContent
    ? [registerSubject(content), makerSubject(content.maker)]
    : [registerSubject(content)];
