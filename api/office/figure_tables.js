// Tables of figures: identities with their sums, rates with what they divide, breakdowns.

import { make } from "./dom.js";
import { townshipName, word } from "./parts.js";
import { currentLanguage, pick, say } from "./words.js";

export const RATES = ["rectification_rate", "on_time_rate", "on_time_rate_extended", "closed_loop_rate", "spot_rate", "extension_share", "return_share", "late_report_share", "recurrence_rate"];
export const TIMES = ["rectified_median", "rectified_p90", "verify_lag_median", "verify_lag_p90", "report_lag_median"];
const VERIFY = ["closed_without_order", "closed_undated", "awaiting_reinspection"];
export const COLUMNS = ["found", "on_spot", "ordered", "undecided", "transferred", "closed_in_time", "closed_late", "not_due", "overdue", "deferred"];

export const writeNumber = (value, digits = 0) => new Intl.NumberFormat(currentLanguage() === "en" ? "en" : "zh-CN", { maximumFractionDigits: digits }).format(value);
export const writeShare = (value) => new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(value);

export function writeMeasure(figure) {
  if (figure.value === null) return "—";
  if (figure.measure === "share") return writeShare(figure.value);
  const n = writeNumber(figure.value, 1);
  return figure.measure === "days" ? say("days_unit", { n }) : figure.measure === "hours" ? say("hours_unit", { n }) : n;
}

// A number leads to the rows behind it.
function renderNumber(figure, text = writeNumber(figure.value), name = pick(figure.text), rows = figure.numerator ? figure.rows_at : null) {
  if (!rows) return make("span", { class: "number", text });
  const query = new URLSearchParams({ rows, name });
  return make("a", { class: "number", href: `#cases?${query}`, text, "data-figure": figure.key });
}

export function renderIdentity(figures, whole, parts, key) {
  const sum = parts.reduce((total, name) => total + figures[name].value, 0);
  const agrees = sum === figures[whole].value;
  const line = (name) => make("tr", {}, make("th", { scope: "row", text: pick(figures[name].text) }), make("td", {}, renderNumber(figures[name])),
    make("td", { class: "bar-cell" }, make("meter", { min: 0, max: Math.max(1, figures[whole].value), value: figures[name].value, "aria-hidden": "true" })));
  return make("section", { class: "panel identity" },
    make("header", {}, make("h2", { text: pick(figures[whole].text) }), make("strong", { class: "big" }, renderNumber(figures[whole]))),
    make("p", { class: "muted", text: say(key) }),
    make("table", {}, make("tbody", {}, ...parts.map(line)), make("tfoot", {}, make("tr", {}, make("th", { scope: "row", text: say("total") }), make("td", {}, make("span", { class: "number", text: writeNumber(sum) })),
      make("td", { class: agrees ? "agrees" : "late", text: agrees ? `✓ ${say("sum_agrees")}` : say("sum_differs", { n: sum }) })))),
    whole === "found" ? renderOutside(figures) : renderLateness(figures));
}

function renderOutside(figures) {
  return make("p", { class: "outside" }, make("span", { class: "muted", text: say("outside") }),
    ...["dismissed", "duplicate"].map((name) => make("span", {}, pick(figures[name].text).replace(/[((].*$/, ""), " ", renderNumber(figures[name]))));
}

function renderLateness(figures) {
  return make("p", { class: "outside" }, ...["overdue_days", "overdue_days_max"].map((name) => make("span", {}, make("span", { class: "muted", text: `${pick(figures[name].text)} ` }), make("span", { class: "number", text: writeNumber(Math.floor(figures[name].value)) }))));
}

// What the figures themselves cannot stand behind.
export function renderVerify(figures) {
  const found = VERIFY.filter((name) => figures[name].value);
  if (!found.length) return "";
  return make("section", { class: "panel verify" }, make("h2", { text: say("to_verify") }),
    make("ul", {}, ...found.map((name) => make("li", {}, make("span", { text: pick(figures[name].text) }), " ", renderNumber(figures[name])))));
}

export function renderRates(figures) {
  const table = (key, names) => make("section", { class: "panel rates" }, make("h2", { text: say(key) }),
    make("div", { class: "scroll" }, make("table", {},
      make("thead", {}, make("tr", {}, make("th", {}), make("th", { scope: "col", text: say("general") }), make("th", { scope: "col", text: say("major") }))),
      make("tbody", {}, ...names.map((name) => make("tr", {}, make("th", { scope: "row" }, make("span", { text: pick(figures[`${name}.general`].text) })), renderCell(figures[`${name}.general`]), renderCell(figures[`${name}.major`])))))),
    ...names.map((name) => renderNote(figures[`${name}.general`])),
    key === "rates" ? make("p", { class: "muted table-note", text: say("interval_note") }) : null);
  return make("div", { class: "rate-pair" }, table("rates", RATES), table("times", TIMES));
}

const renderNote = (figure) => (figure.note && figure.value !== null ? make("p", { class: "muted table-note", text: `${pick(figure.text)}:${pick(figure.note)}` }) : null);

function renderCell(figure) {
  const lines = [make("strong", { class: "value", text: writeMeasure(figure) })];
  const of = figure.denominator ? make("span", { class: "muted ratio" }, renderNumber(figure, writeNumber(figure.numerator)), " / ", renderNumber(figure, writeNumber(figure.denominator), undefined, figure.base_at)) : null;
  if (of) lines.push(of);
  if (figure.interval) lines.push(make("span", { class: "muted interval", text: say("interval", { a: writeShare(figure.interval[0]).replace("%", ""), b: writeShare(figure.interval[1]) }) }));
  if (figure.value === null && figure.note) lines.push(make("span", { class: "muted cell-note", text: pick(figure.note) }));
  return make("td", {}, ...lines);
}

export function namePart(by, value, start) {
  if (value === null) return say("without");
  if (by === "township") return townshipName(start, value);
  return ["category", "severity", "origin"].includes(by) ? word(by, value) : value;
}

export function renderBreakdown(broken, whole, start) {
  const head = COLUMNS.map((name) => make("th", { scope: "col", text: pick(whole[name].text) }));
  const line = (text, figures, kind = {}) => make("tr", kind, make("th", { scope: "row", text }), ...COLUMNS.map((name) => make("td", {}, figures[name].value ? renderNumber(figures[name], undefined, `${text} · ${pick(figures[name].text)}`) : make("span", { class: "muted", text: "0" }))));
  return make("section", { class: "panel breakdown" }, make("h2", { text: `${say("breakdown")} · ${word("by", broken.by)}` }),
    make("div", { class: "scroll", tabindex: 0 }, make("table", {}, make("thead", {}, make("tr", {}, make("th", {}), ...head)),
      make("tbody", {}, ...broken.parts.map((part) => line(part.label ?? namePart(broken.by, part.value, start), part.figures))),
      make("tfoot", {}, line(say("total"), whole)))));
}
