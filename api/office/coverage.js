// Coverage of sites in the period: 次, 家次 and 家 told apart, and which sites nobody has been in.

import { make } from "./dom.js";
import { writeNumber, writeShare } from "./figure_tables.js";
import { word } from "./parts.js";
import { say } from "./words.js";

const COLUMNS = ["cover_sites", "cover_covered", "cover_rate", "outings", "visits", "units", "no_entry", "cover_unproven", "cover_left"];

export function renderCoverage(answer) {
  if (!answer.categories.length) return "";
  const head = ["category", ...COLUMNS].map((key) => make("th", { scope: "col", text: say(key) }));
  return make("section", { class: "panel coverage" }, make("h2", { text: say("cover") }),
    make("div", { class: "scroll", tabindex: 0 }, make("table", {},
      make("thead", {}, make("tr", {}, ...head)),
      make("tbody", {}, ...answer.categories.map(renderLine)))),
    make("p", { class: "muted table-note", text: say("cover_note") }),
    ...answer.categories.filter((one) => one.left_count).map(renderLeft));
}

function renderLine(one) {
  const number = (value) => make("td", { class: "number", text: writeNumber(value) });
  const rate = make("td", {}, make("strong", { class: "value", text: one.rate === null ? "—" : writeShare(one.rate) }),
    one.interval ? make("span", { class: "muted interval", text: say("interval", { a: writeShare(one.interval[0]).replace("%", ""), b: writeShare(one.interval[1]) }) }) : null);
  return make("tr", { "data-category": one.category }, make("th", { scope: "row", text: word("category", one.category) }),
    number(one.denominator), number(one.numerator), rate, ...["outings", "visits", "units", "no_entry", "unproven", "left_count"].map((name) => number(one[name])));
}

// The rows behind the gap: a list to send a team along.
function renderLeft(one) {
  const more = one.left_count - one.left.length;
  return make("details", { class: "left" },
    make("summary", { text: `${word("category", one.category)}: ${say("cover_left")} ${writeNumber(one.left_count)}` }),
    make("p", {}, one.left.map((site) => site.code ?? site.id).join(say("separator")), more ? ` ${say("and_more", { n: more })}` : ""));
}
