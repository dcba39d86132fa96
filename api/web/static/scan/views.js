// Pieces of the page: everything that comes from outside becomes text, never markup.

/** Return an element with attributes and children. */
export const h = (name, attributes, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
};

const copyTemplate = (shown) => document.querySelector(`template[data-shown="${shown}"]`)?.content.cloneNode(true) ?? null;

/** The icon of a verdict, and the box of one: in its own style and words, or with those given. */
const showBox = ({ shown, style, title, asOf, sentences }) => {
  const known = copyTemplate(shown)?.firstElementChild ?? null;
  const heading = title ?? known?.querySelector("h2").textContent ?? shown;
  const box = h("section", { class: style === undefined && known !== null ? known.className : `verdict ${style ?? "unchecked"}` });
  if (known !== null) box.append(known.querySelector("svg"));
  box.append(h("h2", { role: "status" }, heading));
  if (asOf !== undefined) box.append(h("p", { class: "until" }, asOf));
  box.append(...sentences.map((text) => h("p", {}, text)));
  return box;
};

/** Return what this device found out by itself: {shown, style, title, asOf, sentences, facts: [[name, value]]}. */
export const showVerdict = (found) => {
  const limits = found.style === undefined ? (copyTemplate(found.shown)?.querySelector(".note") ?? null) : null;
  const rows = found.facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
  return h("div", {}, showBox(found), limits, rows.length === 0 ? null : h("dl", {}, ...rows));
};
