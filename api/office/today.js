// 今日盯办: what is late or nearly, desk by desk; the latest first.

import { ask } from "./ask.js";
import { serverTime, setClock } from "./clock.js";
import { make } from "./dom.js";
import { renderFloodStrip } from "./flood_strip.js";
import { button, lateness, latenessMark, moveAlong, personName, select, severityMark, stateChip, townshipName, word, writeDate, writeMoment, writeTime } from "./parts.js";
import { renderWaiting } from "./waiting.js";
import { pick, say } from "./words.js";

const AHEAD = [0, 3, 7, 14, 30];
const FIRST = 6;

export const addressOfSlip = (rows) => `#slip/${[...new Set(rows.map((row) => row.id))].join(",")}`;

// Whose desk it is before nobody's, the most overdue first.
function compareDesks(a, b) {
  return Number(!a.person) - Number(!b.person) || b.overdue - a.overdue;
}

export class TodayTab {
  constructor(office) {
    this.office = office;
    this.asked = { days: "3", kind: "", section: "", person: "" };
    this.unfolded = new Set();
    this.head = make("header", { class: "page-head" });
    this.body = make("div", { class: "desks" });
    this.place = make("section", { class: "today" }, this.head, this.body);
    moveAlong(this.body);
  }

  open() {
    return this.refresh();
  }

  async refresh() {
    this.answer = await ask(`/today?days=${this.asked.days}`);
    setClock(this.answer.now, this.office.start.timezone);
    this.render();
  }

  shownDesks() {
    const { kind, section, person } = this.asked;
    const fits = (wanted, value) => wanted === "" || (wanted === "-" ? !value : wanted === value);
    return this.answer.desks
      .filter((desk) => fits(section, desk.section) && fits(person, desk.person))
      .map((desk) => ({ ...desk, rows: desk.rows.filter((row) => fits(kind, row.kind)) }))
      .filter((desk) => desk.rows.length);
  }

  render() {
    const desks = this.shownDesks().sort(compareDesks);
    this.head.replaceChildren(this.renderTitle(), ...[renderFloodStrip(this.office, this.answer.flood)].filter(Boolean), this.renderFilters(), this.renderSums(desks.flatMap((desk) => desk.rows), desks));
    const waiting = renderWaiting(this.office, this.answer.waiting, () => this.refresh());
    this.body.replaceChildren(...(desks.length ? desks.map((desk) => this.renderDesk(desk)) : [make("p", { class: "empty", text: say("nothing_pressing") })]), ...(waiting ? [waiting] : []));
  }

  renderTitle() {
    const now = serverTime();
    return make("div", { class: "title-line" }, make("h1", { text: say("today") }), make("p", { class: "muted", text: say("today_head", { date: writeDate(now), time: writeTime(now) }) }));
  }

  renderFilters() {
    const values = (name) => [...new Set(this.answer.desks.map((desk) => desk[name]))];
    const options = (name) => [["", say("all")], ...values(name).filter(Boolean).map((value) => [value, name === "person" ? personName(this.office.start, value) : value]), ...(values(name).includes(null) ? [["-", say("nobody")]] : [])];
    const control = (name, label, list, again) => make("label", { class: "filter" }, make("span", { text: label }), select(name, list, this.asked[name], (event) => {
      this.asked[name] = event.target.value;
      return again ? this.office.keep(() => this.refresh()) : this.render();
    }));
    return make("div", { class: "filters" },
      control("kind", say("matter"), this.listKinds()),
      control("section", say("section"), options("section")),
      control("person", say("person"), options("person")),
      control("days", say("days_ahead"), AHEAD.map((n) => [String(n), say("days_n", { n })]), true));
  }

  listKinds() {
    const kinds = new Set(this.answer.desks.flatMap((desk) => desk.rows.map((row) => row.kind)));
    return [["", say("all")], ...[...kinds].map((kind) => [kind, word("kind", kind)])];
  }

  renderSums(rows, desks) {
    const late = rows.filter((row) => lateness(row.due_at).late).length;
    const today = rows.filter((row) => lateness(row.due_at).left === 0).length;
    const sum = (key, value, kind = "", facts = {}) => make("div", { class: `sum ${kind}` }, make("strong", { text: value }), make("span", { text: say(key, facts) }));
    return make("div", { class: "sums" },
      sum("sum_overdue", late, late ? "is-late" : ""),
      sum("sum_today", today, today ? "is-near" : ""),
      sum("sum_soon", rows.length - late, "", { n: this.asked.days }),
      sum("sum_desks", desks.length));
  }

  renderDesk(desk) {
    const key = `${desk.section}/${desk.person}`;
    const rows = [...desk.rows].sort((a, b) => Date.parse(a.due_at) - Date.parse(b.due_at));
    const shown = this.unfolded.has(key) ? rows : rows.slice(0, FIRST);
    const late = rows.filter((row) => lateness(row.due_at).late);
    const name = desk.person ? personName(this.office.start, desk.person) : say("nobody");
    return make("article", { class: "desk" },
      make("header", {},
        make("div", {}, make("h2", { text: name }), desk.section ? make("p", { class: "muted", text: desk.section }) : null),
        make("p", { class: "desk-sum" }, late.length ? make("strong", { class: "late", text: say("desk_overdue", { n: late.length }) }) : null, make("span", { class: "muted", text: say("desk_count", { n: rows.length }) })),
        make("a", { class: "button", href: addressOfSlip(late.length ? late : rows), text: say("slip_desk", { n: (late.length ? late : rows).length }) })),
      make("ul", { class: "rows" }, ...shown.map((row) => this.renderRow(row))),
      rows.length > shown.length ? button(say("show_more", { n: rows.length - shown.length }), () => (this.unfolded.add(key), this.render()), "more") : null);
  }

  renderRow(row) {
    const isHazard = row.kind === "hazard";
    const page = { hazard: "cases", land_plot: "plots" }[row.kind];
    const facts = [isHazard ? word("category", row.category) : "", townshipName(this.office.start, row.township), row.unit].filter(Boolean);
    const moved = row.original_due_at && row.original_due_at !== row.due_at;
    return make("li", {},
      make(page ? "a" : "div", { class: "row", href: page ? `#${page}/${row.id}` : null, tabindex: page ? null : 0 },
        make("span", { class: "row-mark" }, isHazard ? severityMark(row.severity) : make("span", { class: "chip", text: word("kind", row.kind) })),
        make("span", { class: "row-main" },
          make("span", { class: "row-title", text: row.title ?? row.code }),
          make("span", { class: "row-facts muted", text: [row.code, ...facts].join(" · ") })),
        make("span", { class: "row-state" }, isHazard ? stateChip(row.state) : row.state === "litigation_window" ? make("span", { class: "chip", text: say("litigation_window") }) : null, row.escalation ? make("span", { class: "muted told", text: say("told", { who: word("recipient", row.escalation.recipient) }) }) : null),
        make("span", { class: "row-due" }, latenessMark(row.due_at),
          row.clock ? make("span", { class: "muted clock-name", text: pick(row.clock) }) : null,
          make("span", { class: "muted", text: row.clock ? writeMoment(row.due_at) : say("due", { date: writeDate(row.due_at) }) }),
          moved ? make("span", { class: "muted", text: say("original_due", { date: writeDate(row.original_due_at) }) }) : null)),
      make("a", { class: "button quiet row-slip", href: addressOfSlip([row]), text: say("slip"), "aria-label": `${say("slip")} ${row.code}` }));
  }
}
