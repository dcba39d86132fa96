// Pieces of the page: everything that comes from outside becomes text, never markup.

/** Return an element with attributes and children. */
export const h = (name, attributes, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
};

/** Return what this device found out by itself: {style, title, sentences, facts: [[name, value]]}. */
export const showVerdict = ({ style, title, sentences, facts }) =>
  h("div", {},
    h("section", { class: `verdict ${style}` }, h("h2", { role: "status" }, title), ...sentences.map((text) => h("p", {}, text))),
    facts.length === 0 ? null : h("dl", {}, ...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))));
