/** person.py: who may verify, check and approve in an institution, by a public pseudonym. */
import { Role } from "./record.js";
import {
  checkPeriod, openContent, parseCategories, parseInstitutionId, parseSet, Plain, RegisterState,
} from "./register_fields.js";
import { parseMultikey } from "./signature.js";

export const Qualification = Object.freeze({
  REGISTERED: "registered", ASSESSED: "assessed", AUTHORISED: "authorised",
});

/** Return how the register of keys names a person: organisations have no slash in their ids. */
export const namePerson = (institution, personId) => `${institution}/${personId}`;

export class PersonContent extends Plain {
  get owner() {
    return namePerson(this.institution, this.id);
  }
}

/** Parse the content of a PERSON. */
export const parsePersonContent = (raw) => {
  const reader = openContent(raw);
  const content = new PersonContent({
    institution: parseInstitutionId(reader),
    id: reader.text("id", { maxBytes: 40, pattern: "[A-Za-z0-9][A-Za-z0-9._-]{0,39}" }),
    qualification: reader.enum("qualification", Qualification),
    roles: parseSet(reader, "roles", Role),
    categories: parseCategories(reader),
    validFrom: reader.date("from"),
    validUntil: reader.date("until"),
    state: reader.enum("state", RegisterState),
    key: reader.has("key") ? reader.parse("key", parseMultikey) : null,
  });
  reader.finish();
  checkPeriod(content.validFrom, content.validUntil);
  return content;
};
