// Elements of the page: text is always text, nothing is ever read as markup.
/** Make an element; names that begin with `on` are listeners, booleans switch attributes. */
export const h = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") element[name] = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
};

let count = 0;

/** A field with its label, and a hint below. */
export const field = (label, attributes, hint) => {
  count += 1;
  const id = attributes.id ?? `f${count}`;
  const described = hint ? { "aria-describedby": `${id}-hint` } : {};
  return [
    h("label", { for: id }, label),
    h(attributes.tag ?? "input", { autocomplete: "off", ...attributes, tag: null, id, ...described }, attributes.children ?? []),
    hint ? h("span", { class: "hint", id: `${id}-hint` }, hint) : null,
  ];
};

/** One of several answers, as radio buttons. */
export const choice = (legend, name, options, value, onchange) =>
  h(
    "fieldset",
    {},
    h("legend", {}, legend),
    options.map(([code, word]) =>
      h(
        "label",
        { class: "tick" },
        h("input", { type: "radio", name, checked: code === value, onchange: () => onchange(code) }),
        word,
      ),
    ),
  );

export const tick = (label, checked, onchange, attributes = {}) =>
  h(
    "label",
    { class: "tick" },
    h("input", { type: "checkbox", checked, onchange: (event) => onchange(event.target.checked), ...attributes }),
    label,
  );

export const button = (label, onclick, attributes = {}) => h("button", { type: "button", onclick, ...attributes }, label);

/** Draw a view again where it stands: the place on the page stays, and so does the focus, by `data-key`. */
export const redraw = (draw) => {
  const [top, key] = [window.scrollY, document.activeElement?.dataset?.key];
  draw();
  window.scrollTo(0, top);
  if (key) document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
};

/** Put a view on the page; its heading takes the focus, so that it is read. */
export const show = (...children) => {
  const main = document.getElementById("main");
  main.replaceChildren(...children.flat(Infinity).filter(Boolean));
  main.focus({ preventScroll: true });
  window.scrollTo(0, 0);
};
