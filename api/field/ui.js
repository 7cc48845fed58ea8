// The pieces screens are built of. Text only ever becomes a text node (dom.js).

import { make, makeSvg } from "./dom.js";
import { pick, say } from "./words.js";
import { VOCABULARY } from "./vocabulary.js";

const GLYPHS = {
  today: "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4M8.5 15l2.5 2.5 4.5-5",
  hazards: "M12 3 2.5 20h19zM12 10v4M12 17h.01",
  scan: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M8 8h3v3H8zM13.5 8H16v2.5M8 13.5V16h2.5M13.5 13.5h.01M16 16h.01M16 13h.01M13 16h.01",
  outbox: "M4 13v6h16v-6M12 16V4M7 9l5-5 5 5",
  me: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21c.6-4 3.8-6 8-6s7.4 2 8 6",
  back: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  close: "M6 6l12 12M18 6 6 18",
  camera: "M4 8h4l1.5-3h5L16 8h4v11H4zM12 10.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
  pin: "M12 21s7-6.5 7-12a7 7 0 0 0-14 0c0 5.5 7 12 7 12zM12 6.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
  check: "M5 12.5l5 5L20 7",
  cross: "M6 6l12 12M18 6 6 18",
  map: "M9 4 3 6.5v14L9 18l6 2.5 6-2.5V4l-6 2.5zM9 4v14M15 6.5v14",
  list: "M8 6h13M8 12h13M8 18h13M3.5 6h.01M3.5 12h.01M3.5 18h.01",
  target: "M12 5a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM12 2v4M12 18v4M2 12h4M18 12h4",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4l3 2",
  add: "M12 5v14M5 12h14",
  file: "M6 3h8l4 4v14H6zM14 3v4h4M12 11v6M9 14.5l3 3 3-3",
  again: "M20 11a8 8 0 1 0-2.3 6M20 5v6h-6",
  pen: "M4 20l1-4L16.5 4.5l3 3L8 19zM14 7l3 3",
};

export function icon(name) {
  return makeSvg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" }, makeSvg("path", { d: GLYPHS[name] }));
}

export function button(words, onclick, { kind = "", glyph = null, ...rest } = {}) {
  const shown = glyph ? [icon(glyph), make("span", { text: words })] : [make("span", { text: words })];
  return make("button", { type: "button", class: `button ${kind}`, onclick, ...rest }, ...shown);
}

export function iconButton(glyph, words, onclick, rest = {}) {
  return make("button", { type: "button", class: "icon-button", "aria-label": words, title: words, onclick, ...rest }, icon(glyph));
}

let fields = 0;

// A labelled input, text area or select; oninput gets the value.
export function field(words, { value = "", oninput, tag = "input", hint = null, options = [], ...rest } = {}) {
  const id = `field-${++fields}`;
  const children = options.map(([key, text]) => make("option", { value: key, text, selected: key === value }));
  const input = make(tag, { id, class: "input", "aria-describedby": hint ? `${id}-hint` : null, ...rest }, ...children);
  input.value = value ?? "";
  if (oninput) input.addEventListener("input", () => oninput(input.value));
  const note = hint && make("p", { class: "hint", id: `${id}-hint`, text: hint });
  return make("div", { class: "field" }, make("label", { for: id, text: words }), input, note);
}

// One of a few, as large buttons side by side.
export function segments(label, options, value, onpick) {
  const group = make("div", { class: "segments", role: "radiogroup", "aria-label": label });
  const buttons = options.map(([key, words, kind = ""]) => {
    const one = make("button", { type: "button", role: "radio", class: `segment ${kind}`, "aria-checked": String(key === value), text: words });
    one.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-checked", String(other === one));
      onpick(key);
    });
    return one;
  });
  group.append(...buttons);
  return group;
}

export function card({ onclick = null, kind = "", label = null }, ...children) {
  if (!onclick) return make("section", { class: `card ${kind}`, "aria-label": label }, ...children);
  return make("button", { type: "button", class: `card tappable ${kind}`, onclick }, ...children);
}

const word = (list, key) => pick(VOCABULARY[list][key]) || key || "";
export const categoryWord = (key) => word("category", key);
export const originWord = (key) => word("origin", key);
// Who found it: the department itself, unless another origin is chosen.
export const ORIGINS = Object.keys(VOCABULARY.origin);
export const severityWord = (key) => word("severity", key);
export const stateWord = (key) => word("state", key);
export const eventWord = (key) => word(VOCABULARY.event[key] ? "event" : "record", key);

export function severityBadge(severity) {
  return make("span", { class: `badge severity-${/^\w+$/.test(severity) ? severity : "none"}`, text: severityWord(severity) });
}

// Facts in a row; a code or a date is never broken in two.
export function factLine(parts, kind = "soft") {
  const shown = parts.filter(Boolean);
  return make("span", { class: `fact-line ${kind}` }, ...shown.flatMap((part, at) => [at ? " · " : null, make("span", { text: String(part) })]));
}

export const badge = (words, kind = "") => make("span", { class: `badge ${kind}`, text: words });

const STAYS = new Set(["bad", "warn"]);

// A word that passes. Bad news stay longer, and good news never push them away.
export function toast(words, kind = "") {
  let shelf = document.querySelector(".toasts");
  if (!shelf) {
    shelf = make("div", { class: "toasts", role: "status" });
    document.body.append(shelf);
  }
  for (const old of shelf.children) if (old.textContent === words || ![...STAYS].some((one) => old.classList.contains(one))) old.remove();
  const shown = make("div", { class: `toast ${kind}`, text: words });
  shown.addEventListener("click", () => shown.remove());
  shelf.append(shown);
  setTimeout(() => shown.remove(), STAYS.has(kind) ? 8000 : 4000);
}

// A question over the page; gives the key of the answer, null when it was put away.
export function ask(title, text, answers) {
  return new Promise((resolve) => {
    const dialog = make("dialog", { class: "dialog", "aria-label": title });
    const end = (key) => {
      dialog.close();
      dialog.remove();
      resolve(key);
    };
    const buttons = answers.map(([key, words, kind = ""]) => button(words, () => end(key), { kind }));
    dialog.append(make("h2", { text: title }), make("p", { text }), make("div", { class: "stack" }, ...buttons));
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      end(null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
