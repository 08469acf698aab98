// Elements, numbers and words. Text from models reaches the page through text nodes alone.

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) element.style.setProperty(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined),
  );
  return element;
}

// Characters that reorder or hide the text around them are written as their code.
function visible(text) {
  return text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g,
    (each) => `\u27e8U+${each.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`,
  );
}

function number(value, digits = 3) {
  return value === null || value === undefined ? "–" : value.toFixed(digits);
}

function percent(value) {
  return value === null || value === undefined ? "–" : `${Math.round(100 * value)} %`;
}

function points(value) {
  return `${value < 0 ? "−" : "+"}${Math.abs(100 * value).toFixed(1)}`;
}

function count(total, noun) {
  return `${total.toLocaleString("en")} ${noun}${total === 1 ? "" : "s"}`;
}

function mark(right) {
  if (right === null || right === undefined) return "?";
  return right ? "✓" : "✗";
}

function tone(right) {
  if (right === null || right === undefined) return "unknown";
  return right ? "right" : "wrong";
}

function section(id, title, ...children) {
  const heading = el("h2", { id: `${id}-title` }, title);
  return el("section", { id, "aria-labelledby": `${id}-title` }, heading, ...children);
}

function note(...children) {
  return el("p", { class: "note" }, children);
}

function badge(text, kind = "") {
  return el("span", { class: `badge ${kind}` }, text);
}

function scroller(label, ...children) {
  return el(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": label },
    ...children,
  );
}

function table(caption, heads, rows, kind = "") {
  return el(
    "table",
    { class: kind },
    el("caption", {}, caption),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        heads.map((head) => el("th", { scope: "col" }, head)),
      ),
    ),
    el(
      "tbody",
      {},
      rows.map((row) =>
        el(
          "tr",
          {},
          row.map((cell) => el("td", {}, cell)),
        ),
      ),
    ),
  );
}

// One of several buttons takes part in the order of the Tab key; arrows move between them.
function rove(container, selector, columns = () => 1) {
  container.addEventListener("keydown", (event) => {
    const all = [...container.querySelectorAll(selector)];
    const place = all.indexOf(document.activeElement);
    if (place < 0) return;
    const wide = columns();
    const moves = { ArrowDown: wide, ArrowUp: -wide, Home: -place, End: all.length - 1 - place };
    if (wide > 1) Object.assign(moves, { ArrowRight: 1, ArrowLeft: -1 });
    if (!(event.key in moves)) return;
    event.preventDefault();
    const next = all[Math.max(0, Math.min(all.length - 1, place + moves[event.key]))];
    only(all, next);
    next.focus();
  });
}

function only(all, chosen) {
  for (const each of all) each.tabIndex = each === chosen ? 0 : -1;
}
