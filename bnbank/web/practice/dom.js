// Elements, in one line each.

/** An element with properties (data-, aria- and class as attributes) and children. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "class") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** A button. */
export const button = (label, onclick, properties = {}) =>
  element("button", { type: "button", onclick, ...properties }, label);
