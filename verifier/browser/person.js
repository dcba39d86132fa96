// Who may verify, check and approve in an institution, by a public pseudonym: ledger/core/person.py.
import { Role } from "./record.js";
import { categories, checkPeriod, code, codes, contentParser, id, period, Plain, state, text } from "./register_fields.js";
import { parseMultikey } from "./signature.js";

export const Qualification = Object.freeze({ REGISTERED: "registered", ASSESSED: "assessed", AUTHORISED: "authorised" });

/** How the register of keys names a person: organisations have no slash in their ids. */
export const namePerson = (institution, personId) => `${institution}/${personId}`;

export class PersonContent extends Plain {
  get owner() {
    return namePerson(this.institution, this.id);
  }
}

/** Parse the content of a PERSON. */
export const parsePersonContent = contentParser(
  PersonContent,
  {
    institution: id("institution"),
    id: text("id", 40, "[A-Za-z0-9][A-Za-z0-9._-]{0,39}"),
    qualification: code("qualification", Qualification),
    roles: codes("roles", Role),
    categories,
    ...period,
    state,
    key: (reader) => (reader.has("key") ? reader.parse("key", parseMultikey) : null),
  },
  checkPeriod,
);
