// The office, when it is in reach. Nothing of its answers is kept by the browser.
/** The office cannot be reached now. */
export class OutOfReach extends Error {}
/** The office has said no; `sentence` says why, in both languages. */
export class Refused extends Error {
  constructor(status, sentence) {
    super(sentence.en);
    this.status = status;
    this.sentence = sentence;
  }
}

const LOGIN = { en: "Log in to the office first, as an operator.", zh: "请先以检定员身份登录办公系统。" };

const ask = async (path, options = {}) => {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", credentials: "same-origin", ...options });
  } catch {
    throw new OutOfReach();
  }
  if (answer.ok) return answer;
  if (answer.status === 401) throw new Refused(401, LOGIN);
  if (answer.status >= 500) throw new OutOfReach();
  const said = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, { en: said.detail ?? String(answer.status), zh: said.zh ?? said.detail ?? String(answer.status) });
};

const post = async (path, token, body) => {
  const headers = { "Content-Type": "application/json", "X-Form-Token": token };
  return (await ask(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
};

export const askSession = async () => (await ask("/api/round/session")).json();
export const listRounds = async () => (await (await ask("/api/rounds")).json()).rounds;
export const fetchRound = async (id) => new Uint8Array(await (await ask(`/api/rounds/${id}`)).arrayBuffer());
export const addDevice = (token, body) => post("/api/devices", token, body);
export const sendFindings = (token, id, body) => post(`/api/rounds/${id}/findings`, token, body);
