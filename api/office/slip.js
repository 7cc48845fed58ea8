// 督办单: one sheet of A4 with the matters of a desk, plain words, room for the seal. Nothing is
// drawn that only an official seal may say.

import { ask } from "./ask.js";
import { setClock } from "./clock.js";
import { make } from "./dom.js";
import { button, lateness, personName, townshipName, word, writeDate } from "./parts.js";
import { say } from "./words.js";

export class SlipView {
  constructor(office) {
    this.office = office;
    this.place = make("section", { class: "slip-page" });
  }

  async open({ argument }) {
    const wanted = new Set(argument.split(","));
    const answer = await ask("/today?days=366");
    setClock(answer.now, this.office.start.timezone);
    const desks = answer.desks.map((desk) => ({ ...desk, rows: desk.rows.filter((row) => wanted.has(row.id)) })).filter((desk) => desk.rows.length);
    const tools = make("div", { class: "slip-tools" },
      button(say("back"), () => history.length > 1 ? history.back() : (location.hash = "#today"), "quiet"),
      button(say("print"), () => print(), "primary", { disabled: !desks.length }));
    this.place.replaceChildren(tools, ...(desks.length ? desks.map((desk) => this.renderSheet(desk)) : [make("p", { class: "empty", text: say("slip_gone") })]));
  }

  renderSheet({ section, person, rows }) {
    const to = [section, person && personName(this.office.start, person)].filter(Boolean).join(" ") || "____________";
    const ordered = [...rows].sort((a, b) => Date.parse(a.due_at) - Date.parse(b.due_at));
    const head = ["slip_order", "slip_matter", "slip_unit", "slip_due", "slip_state", "slip_late"].map((key) => make("th", { scope: "col", text: say(key) }));
    return make("article", { class: "sheet" },
      make("p", { class: "sheet-number", text: say("slip_number") }),
      make("h1", { text: say("slip") }),
      make("p", { class: "sheet-to", text: say("slip_to", { who: to }) }),
      make("p", { class: "sheet-text", text: say("slip_text", { n: rows.length }) }),
      make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...ordered.map((row, at) => this.renderRow(row, at)))),
      make("div", { class: "sheet-foot" },
        make("p", { class: "sheet-reply", text: say("slip_reply") }),
        make("div", { class: "sheet-seal" }, make("p", { text: say("slip_seal") }), make("p", { text: say("slip_date") }))),
      make("p", { class: "sheet-signed", text: say("slip_signed") }));
  }

  renderRow(row, at) {
    const state = row.kind === "hazard" ? word("state", row.state) : word("kind", row.kind);
    const where = [row.code, townshipName(this.office.start, row.township)].filter(Boolean).join(" ");
    const due = [writeDate(row.due_at)];
    if (row.original_due_at !== row.due_at) due.push(say("original_due", { date: writeDate(row.original_due_at) }));
    const raised = row.escalation ? [make("span", { class: "line", text: say("slip_stage", { who: word("recipient", row.escalation.recipient) }) })] : [];
    return make("tr", {},
      make("td", { text: at + 1 }),
      make("td", {}, make("span", { text: row.title ?? "" }), make("span", { class: "sheet-code", text: [word("severity", row.severity), where].filter(Boolean).join(" · ") })),
      make("td", { text: row.unit ?? "" }),
      make("td", {}, ...due.map((text) => make("span", { class: "line", text }))),
      make("td", {}, make("span", { class: "line", text: state }), ...raised),
      make("td", { text: lateness(row.due_at).late ? lateness(row.due_at).text : "—" }));
  }
}
