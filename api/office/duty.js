// 汛期值守: who is on duty now and when nobody will be, the level, call-outs, reports in order.

import { ask } from "./ask.js";
import { renderEnded, renderOpen } from "./call_outs.js";
import { serverTime, setClock } from "./clock.js";
import { make } from "./dom.js";
import { openCall, openCancel, openIncident, openLevel, openReport, openShift, openSupply, openTeam } from "./duty_forms.js";
import { button, personName, word, writeMoment } from "./parts.js";
import { say } from "./words.js";

export const levelWords = (level) => [level?.response && word("response", level.response), level?.warning && word("warning", level.warning)].filter(Boolean).join(" · ");
const asField = (moment) => writeMoment(moment).replace(" ", "T");
const head = (key, facts) => make("h2", { text: say(key, facts) });
const table = (keys, rows) => make("div", { class: "scroll" }, make("table", {}, make("thead", {}, make("tr", {}, ...keys.map((key) => make("th", { scope: "col", text: key ? say(key) : "" })))), make("tbody", {}, ...rows)));

export class DutyTab {
  constructor(office) {
    this.office = office;
    this.place = make("section", { class: "duty" });
    this.done = () => this.office.keep(() => this.refresh());
  }

  open() {
    return this.refresh();
  }

  async refresh() {
    [this.board, this.sheet] = await Promise.all([ask("/flood/duty"), ask("/flood/sheet")]);
    setClock(this.board.now, this.office.start.timezone);
    this.render();
  }

  render() {
    const unfolded = [...this.place.querySelectorAll("details")].map((one) => one.open);
    const { board } = this;
    const calls = board.call_outs.filter((one) => one.is_open);
    this.place.replaceChildren(
      this.renderHead(),
      make("div", { class: "duty-top" }, this.renderNow(), this.renderGaps()),
      make("div", { class: "duty-columns" },
        make("div", { class: "duty-main" },
          make("section", {}, head("duty_calls", { n: calls.length }), ...(calls.length ? calls.map((one) => renderOpen(this.office, one, this.done)) : [make("p", { class: "panel muted", text: say("duty_no_calls") })]), renderEnded(board.call_outs.filter((one) => !one.is_open))),
          this.renderIncidents(),
          this.renderDeepest()),
        make("div", { class: "duty-side" }, this.renderShifts(), this.renderLevels())),
      this.renderStocks());
    this.place.querySelectorAll("details").forEach((one, at) => (one.open = unfolded[at] ?? false));
  }

  renderHead() {
    const { board, sheet, office, done } = this;
    const words = levelWords(board.level);
    const tools = [
      button(say("duty_call"), () => openCall(office, { ...sheet, level: board.level }, done), "primary", { "data-open": "call" }),
      button(say("duty_incident"), () => openIncident(office, sheet.points, done), "", { "data-open": "incident" }),
      button(say("duty_change"), () => openLevel(office, board.level, done), "", { "data-open": "level" }),
      button(say("duty_shift"), () => openShift(office, done), "", { "data-open": "shift" }),
    ];
    return make("header", { class: "page-head" },
      make("div", { class: "title-line" }, make("h1", { text: say("duty") }),
        make("strong", { class: `chip level level-${board.level?.response ?? "none"}`, text: words || say("duty_no_level") }),
        board.level && words ? make("span", { class: "muted", text: [say("duty_since", { when: writeMoment(board.level.since) }), board.level.document].filter(Boolean).join(" · ") }) : null),
      make("div", { class: "page-tools" }, ...(office.may("record_event") ? tools : []), make("a", { class: "button", href: "#dutysheet", text: say("sheet_print") })));
  }

  renderNow() {
    const people = this.board.on_duty;
    const rows = people.map((one) => make("div", { class: "on-duty" },
      make("strong", { text: one.leader }), one.phone ? make("a", { href: `tel:${one.phone.replace(/[^\d+]/g, "")}`, text: one.phone }) : null,
      make("p", { text: one.members.join(say("separator")) }), make("p", { class: "muted", text: say("duty_until", { when: writeMoment(one.ends_at) }) })));
    return make("section", { class: `panel${people.length ? "" : " is-late"}` }, head("duty_now"), ...(people.length ? rows : [make("p", { class: "late", text: say("duty_nobody") })]));
  }

  renderGaps() {
    const { gaps } = this.board;
    if (!gaps.length) return make("section", { class: "panel" }, make("p", { class: "good", text: `✓ ${say("duty_no_gaps")}` }));
    const rows = gaps.map((gap) => {
      const hours = Math.round((Date.parse(gap.to) - Date.parse(gap.from)) / 360000) / 10;
      return make("li", { class: "gap" }, make("span", { text: say("duty_gap", { from: writeMoment(gap.from), to: writeMoment(gap.to), hours }) }),
        this.office.may("record_event") ? button(say("duty_fill"), () => openShift(this.office, this.done, { from: asField(gap.from), to: asField(gap.to) }), "quiet") : null);
    });
    return make("section", { class: "panel is-late gaps" }, head("duty_gaps", { n: gaps.length }), make("ul", {}, ...rows));
  }

  renderShifts() {
    const rows = this.board.shifts.map((one) => make("tr", { class: one.cancelled_at ? "is-cancelled" : "" },
      make("td", {}, make("span", { class: "line", text: writeMoment(one.starts_at) }), make("span", { class: "line muted", text: say("duty_until", { when: writeMoment(one.ends_at) }) })),
      make("td", {}, make("strong", { class: "line", text: one.leader }), make("span", { class: "muted", text: one.members.join(say("separator")) }), one.cancelled_at ? make("span", { class: "line late", text: say("duty_cancelled", { why: one.cancelled_because }) }) : null),
      make("td", {}, !one.cancelled_at && this.office.may("record_event") && Date.parse(one.ends_at) > serverTime() ? button("×", () => openCancel(this.office, one, this.done), "icon", { "aria-label": say("duty_cancel"), title: say("duty_cancel") }) : null)));
    return make("section", { class: "panel" }, head("duty_shifts"), rows.length ? table(["duty_starts", "duty_leader", ""], rows) : make("p", { class: "muted", text: say("duty_no_shifts") }));
  }

  renderLevels() {
    const rows = this.board.levels.map((one) => make("li", {}, make("time", { class: "muted", text: writeMoment(one.since) }), make("strong", { text: levelWords(one) || say("duty_lifted") }), make("span", { class: "muted", text: [one.document, one.note].filter(Boolean).join(" · ") })));
    return rows.length ? make("section", { class: "panel" }, head("duty_levels"), make("ol", { class: "steps" }, ...rows)) : null;
  }

  renderIncidents() {
    const { incidents } = this.board;
    const open = incidents.filter((one) => !one.is_final).length;
    return make("section", {}, head("duty_incidents", { n: open }), ...(incidents.length ? incidents.map((one) => this.renderIncident(one)) : [make("p", { class: "panel muted", text: say("duty_no_incidents") })]));
  }

  renderIncident(one) {
    const now = serverTime();
    const due = (key, at, made) => (made || !at ? null : make("p", { class: Date.parse(at) < now ? "late" : "near", text: [say(key, { when: writeMoment(at) }), Date.parse(at) < now ? say("duty_late") : ""].filter(Boolean).join(" · ") }));
    const reports = one.reports.map((report) => make("li", {}, make("time", { class: "muted", text: writeMoment(report.at) }), make("strong", { text: word("serial", report.serial) }),
      make("span", { text: [`${report.sent_to}${report.is_upward ? `(${say("duty_upward")})` : ""}`, report.words, personName(this.office.start, report.actor)].join(" · ") })));
    return make("article", { class: "panel incident", "data-incident": one.id },
      make("header", {}, make("div", {}, make("h3", { text: one.words }), make("p", { class: "muted", text: [writeMoment(one.happened_at), one.point?.name].filter(Boolean).join(" · ") })), one.is_final ? make("span", { class: "chip state-closed", text: say("duty_report_ended") }) : null),
      due("duty_first_due", one.first_due_at, one.first_at), due("duty_upward_due", one.upward_due_at, one.upward_at),
      make("ol", { class: "steps" }, ...reports),
      !one.is_final && this.office.may("record_event") ? make("div", { class: "act-buttons" }, button(one.reports.length ? `${word("serial", "following")} / ${word("serial", "final")}` : word("serial", "first"), () => openReport(this.office, one, this.done), "primary", { "data-open": "report" })) : null);
  }

  renderDeepest() {
    const rows = this.board.deepest.map((one) => make("tr", {}, make("th", { scope: "row", text: one.point.name || one.point.code }), make("td", { class: "number", text: one.depth_m }), make("td", { text: writeMoment(one.at) })));
    return make("section", { class: "panel" }, head("duty_deepest_head"), rows.length ? table(["duty_point", "duty_depth", "duty_at"], rows) : make("p", { class: "muted", text: say("duty_no_deepest") }));
  }

  renderStocks() {
    const { teams, supplies } = this.sheet;
    const records = this.office.may("record_event");
    const edit = (name, open, row) => (records ? button(name, () => open(this.office, row, this.done), "quiet") : make("strong", { text: name }));
    const listed = teams.map((one) => make("tr", {}, make("td", {}, edit(one.name, openTeam, one)), make("td", { text: one.leader }), make("td", { text: one.phone ?? "" }), make("td", { class: "number", text: one.people }), make("td", { text: one.station ?? "" })));
    const counted = supplies.map((one) => make("tr", {}, make("td", {}, edit(one.name, openSupply, one)), make("td", { class: "number", text: `${one.quantity} ${one.unit}` }), make("td", { text: one.station }), make("td", { text: [one.keeper, one.phone].filter(Boolean).join(" ") })));
    return make("section", { class: "panel stocks" },
      make("div", { class: "title-line" }, head("duty_stocks"), records ? make("div", { class: "tools" }, button(say("duty_team_new"), () => openTeam(this.office, null, this.done)), button(say("duty_supply_new"), () => openSupply(this.office, null, this.done))) : null),
      make("div", { class: "duty-columns" }, table(["duty_team", "duty_leader", "duty_phone", "duty_people", "duty_station"], listed), table(["duty_name", "duty_quantity", "duty_station", "duty_keeper"], counted)));
  }
}
