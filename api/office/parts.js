// Small pieces all tabs are made of: marks, dates, chips, dialogs, notices.

import { daysLate, serverTime, timezone } from "./clock.js";
import { byId, make, makeSvg } from "./dom.js";
import { symbolPath } from "./style.js";
import { MARKS, VOCABULARY } from "./vocabulary.js";
import { pick, say } from "./words.js";

export const word = (vocabulary, value) => (value ? pick(VOCABULARY[vocabulary]?.[value]) || String(value) : "");

// Colour, shape and word: one of them always reaches the reader.
export function severityMark(severity, { withWord = true } = {}) {
  const { color, symbol } = MARKS[severity] ?? { color: "#6b7280", symbol: "square" };
  const name = word("severity", severity);
  return make("span", { class: "severity", title: name },
    makeSvg("svg", { viewBox: "-9 -9 18 18", class: "mark", "aria-hidden": "true" }, makeSvg("path", { d: symbolPath(symbol, 6), fill: color, stroke: "#20262b", "stroke-width": 0.8 })),
    withWord ? make("span", { text: name }) : make("span", { class: "unseen", text: name }));
}

export const stateChip = (state) => make("span", { class: `chip state-${state}`, text: word("state", state) });

const format = (options) => (moment) => {
  if (!moment) return "";
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? String(moment) : new Intl.DateTimeFormat("sv-SE", { timeZone: timezone(), ...options }).format(date);
};
export const writeDate = format({ dateStyle: "short" });
export const writeMoment = format({ dateStyle: "short", timeStyle: "short" });
export const writeTime = format({ timeStyle: "short" });

const dayNumber = (moment) => Date.parse(`${writeDate(moment)}T00:00:00Z`) / 86400000;

// Late or near, by the server's clock and the due date as it is: never a state of the record.
export function lateness(due_at, is_open = true) {
  if (!due_at || !is_open) return { late: false, text: "" };
  const days = daysLate({ due_at, is_open });
  if (days !== null) return { late: true, days, text: say(days === 0 ? "late_today" : days === 1 ? "late_day" : "late_days", { n: days }) };
  const left = dayNumber(due_at) - dayNumber(serverTime());
  return { late: false, left, text: left > 9 ? "" : say(left === 0 ? "due_today" : left === 1 ? "due_day" : "due_days", { n: left }) };
}

export function latenessMark(due_at, is_open) {
  const { late, left, text } = lateness(due_at, is_open);
  if (!text) return null;
  return make("strong", { class: late ? "late" : left <= 3 ? "near" : "muted calm", text });
}

export const button = (text, onclick, kind = "", more = {}) => make("button", { type: "button", class: `button ${kind}`.trim(), text, onclick, ...more });

export function field(label, control, hint = "") {
  return make("label", { class: "field" }, make("span", { class: "label", text: label }), control, hint ? make("span", { class: "hint", text: hint }) : null);
}

export function select(name, options, value, onchange) {
  const made = make("select", { name, onchange }, ...options.map(([key, text]) => make("option", { value: key, text, selected: key === (value ?? "") })));
  made.value = value ?? "";
  return made;
}

export const optionsOf = (vocabulary, first) => [["", first], ...Object.keys(VOCABULARY[vocabulary]).map((key) => [key, word(vocabulary, key)])];

export function toast(text, kind = "") {
  const one = make("p", { class: `toast ${kind}`.trim(), text });
  byId("toasts").append(one);
  setTimeout(() => one.remove(), kind === "bad" ? 9000 : 4500);
}

export function complain(error) {
  console.info(error);
  toast(say("failed", { why: error.message || say("unreachable") }), "bad");
}

// A dialog over the page; Esc and the cross close it. Gives { dialog, close }.
export function openDialog(title, content, { wide = false, onclose } = {}) {
  const heading = make("h2", { id: "dialog-title", text: title });
  const dialog = make("dialog", { class: wide ? "wide" : "", "aria-labelledby": "dialog-title" },
    make("header", {}, heading, button("×", () => dialog.close(), "icon", { "aria-label": say("close") })), content);
  dialog.addEventListener("close", () => (dialog.remove(), onclose?.()));
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, close: () => dialog.close() };
}

export const townshipName = (start, code) => start.townships.find((one) => one.code === code)?.name ?? code ?? "";
export const personName = (start, login) => start.people?.find((one) => one.login === login)?.name ?? (start.person?.login === login ? start.person.name : login) ?? "";

export function writeItem(item) {
  return pick(VOCABULARY.item[item]) || item || "";
}

export const titleOf = (hazard) => writeItem(hazard.item) || hazard.description || hazard.title || hazard.name || hazard.code;

// Arrow keys move along the rows of a list; Enter is the link's own.
export function moveAlong(list) {
  list.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const rows = [...list.querySelectorAll(".row")];
    const at = rows.indexOf(document.activeElement.closest(".row"));
    const next = rows[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}

export function download(name, content, media) {
  const address = URL.createObjectURL(new Blob([content], { type: media }));
  const link = make("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
