/** register_content.py, register_subject.py, the rolls of sticker.py: the content of each register event, and its subjects. */
import {
  AuthorityContent, CompromiseContent, InstitutionContent, KeyContent, parseAuthorityContent, parseCompromiseContent,
  parseInstitutionContent, parseKeyContent, parsePolicyContent, parseRootContent, PolicyContent, RootContent,
} from "./authority.js";
import { nameCategory } from "./category.js";
import { refuse } from "./errors.js";
import {
  computeSubject, EventType, makerSubject, materialSubject, personSubject, regulationSubject, rollSubject, scopeSubject,
  standardSubject, SubjectKind, typeApprovalSubject,
} from "./event.js";
import { parsePersonContent, PersonContent } from "./person.js";
import { parseRegulationContent, RegulationContent } from "./published_rule.js";
import { openContent, parseInstitutionId, Plain, RegisterState } from "./register_fields.js";
import { parseScopeContent, ScopeContent } from "./scope.js";
import { MaterialContent, parseMaterialContent, parseStandardContent, StandardContent } from "./standard.js";
import { BlockContent, parseBlockContent, parseTypeApprovalContent, TypeApprovalContent } from "./type_approval.js";

/** A roll of stickers, as it is allotted to an institution. */
export class RollContent extends Plain {}

/** Parse the content of a STICKER_ALLOTTED. */
export const parseRollContent = (raw) => {
  const reader = openContent(raw);
  const content = new RollContent({
    roll: reader.text("roll", { maxBytes: 7, pattern: "[0-9A-HJKMNP-TV-Z]{7}" }),
    institution: parseInstitutionId(reader),
    count: reader.integer("count", 1, 2 ** 20),
    seed: reader.hex("seed", 16),
    state: reader.enum("state", RegisterState),
  });
  reader.finish();
  return content;
};

const ofKey = ({ key }) => computeSubject(SubjectKind.KEY, key.multikeyBytes);

/** Of each register event: the class of its content, how it is read, and what it is about. */
const KINDS = new Map([
  [EventType.ROOT, [RootContent, parseRootContent, () => computeSubject(SubjectKind.ROOT, "")]],
  [EventType.DELEGATE, [AuthorityContent, parseAuthorityContent, ({ id }) => computeSubject(SubjectKind.AUTHORITY, id)]],
  [EventType.POLICY, [PolicyContent, parsePolicyContent, () => computeSubject(SubjectKind.POLICY, "")]],
  [EventType.INSTITUTION, [InstitutionContent, parseInstitutionContent, ({ id }) => computeSubject(SubjectKind.INSTITUTION, id)]],
  [EventType.KEY, [KeyContent, parseKeyContent, ofKey]],
  [EventType.KEY_COMPROMISED_FROM, [CompromiseContent, parseCompromiseContent, ofKey]],
  [EventType.SCOPE, [ScopeContent, parseScopeContent, (one) => scopeSubject(one.institution, one.id)]],
  [EventType.PERSON, [PersonContent, parsePersonContent, (one) => personSubject(one.institution, one.id)]],
  [EventType.STANDARD, [StandardContent, parseStandardContent, (one) => standardSubject(one.institution, one.id)]],
  [EventType.REFERENCE_MATERIAL, [MaterialContent, parseMaterialContent, (one) => materialSubject(one.id, one.lot)]],
  [
    EventType.REGULATION,
    [RegulationContent, parseRegulationContent, (one) => regulationSubject(nameCategory(one.category), one.regulationId)],
  ],
  [EventType.TYPE_APPROVAL, [TypeApprovalContent, parseTypeApprovalContent, (one) => typeApprovalSubject(one.number)]],
  [EventType.BLOCK, [BlockContent, parseBlockContent, ({ id }) => computeSubject(SubjectKind.BLOCK, id)]],
  [EventType.STICKER_ALLOTTED, [RollContent, parseRollContent, ({ roll }) => rollSubject(roll)]],
]);

/** Parse the content of a register event. */
export const parseContent = (type, raw) => {
  const kind = KINDS.get(type);
  if (!kind) refuse("is not a register event");
  return kind[1](raw);
};

/** Return what a register event is about. */
export const registerSubject = (content) => [...KINDS.values()].find(([kind]) => content instanceof kind)[2](content);

/** Return every subject that a register event touches, its own first. */
export const listRegisterSubjects = (content) => {
  const own = registerSubject(content);
  return content instanceof BlockContent ? [own, makerSubject(content.maker)] : [own];
};
