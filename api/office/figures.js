// The figures of a period: counts that add up before the reader's eyes, each leading to its rows.

import { ask } from "./ask.js";
import { serverTime, setClock } from "./clock.js";
import { renderCoverage } from "./coverage.js";
import { make } from "./dom.js";
import { writeCsv } from "./export.js";
import { renderBreakdown, renderIdentity, renderRates, renderVerify } from "./figure_tables.js";
import { renderSync } from "./sync.js";
import { button, download, optionsOf, select, writeDate, writeMoment } from "./parts.js";
import { say } from "./words.js";

const ASKED = ["from", "to", "township", "category", "unit", "by"];

export class FiguresTab {
  constructor(office) {
    this.office = office;
    this.head = make("header", { class: "page-head" });
    this.body = make("div", { class: "figure-body" });
    this.place = make("section", { class: "figures" }, this.head, this.body);
  }

  async open({ query }) {
    this.asked = new URLSearchParams([...query].filter(([name, value]) => ASKED.includes(name) && value));
    this.preset = query.get("preset");
    if (![...query].length) {
      this.preset = "this_year";
      const [from, to] = periods().this_year;
      this.asked.set("from", from);
      this.asked.set("to", to);
    }
    this.renderHead();
    await this.refresh();
  }

  async refresh() {
    const mine = (this.turn = {});
    const whole = new URLSearchParams(this.asked);
    whole.delete("by");
    const questions = [ask(`/hazards/figures?${whole}`)];
    questions.push(this.asked.has("by") ? ask(`/hazards/figures?${this.asked}`) : null);
    questions.push(this.office.may("manage_campaigns") ? ask("/sync/completeness") : null);
    const narrowed = [...whole].filter(([name]) => ["from", "to", "township", "category"].includes(name));
    questions.push(ask(`/hazards/coverage?${new URLSearchParams(narrowed)}`));
    const [total, broken, sync, coverage] = await Promise.all(questions);
    if (this.turn !== mine) return;
    setClock(total.now, this.office.start.timezone);
    this.total = total;
    this.broken = broken;
    this.sync = sync;
    this.coverage = coverage;
    this.renderBody();
  }

  change(facts) {
    const asked = new URLSearchParams(this.asked);
    for (const [name, value] of Object.entries(facts)) value ? asked.set(name, value) : asked.delete(name);
    if (!facts.preset) asked.delete("preset");
    location.hash = `#figures?${asked}${asked.toString() ? "" : "preset=ever"}`;
  }

  renderHead() {
    const presets = periods();
    const shown = Object.keys(presets).find((name) => presets[name][0] === (this.asked.get("from") ?? "") && presets[name][1] === (this.asked.get("to") ?? ""));
    const day = (name) => make("label", { class: "filter" }, make("span", { text: say(name) }), make("input", { type: "date", name, value: this.asked.get(name) ?? "", onchange: (event) => this.change({ [name]: event.target.value }) }));
    const control = (name, options) => make("label", { class: "filter" }, make("span", { text: say(name) }), select(name, options, this.asked.get(name), (event) => this.change({ [name]: event.target.value })));
    const townships = [["", say("all")], ...this.office.start.townships.map((one) => [one.code, one.name])];
    this.head.replaceChildren(
      make("div", { class: "title-line" }, make("h1", { text: say("figures") }),
        make("div", { class: "page-tools" }, button(say("export_csv"), () => this.exportCsv()), button(say("print"), () => print()))),
      make("div", { class: "presets", role: "group", "aria-label": say("period") },
        ...Object.entries(presets).map(([name, [from, to]]) => button(say(name), () => this.change({ from, to, preset: name }), "toggle", { "aria-pressed": String(name === shown) }))),
      make("div", { class: "filters" }, day("from"), day("to"), control("township", townships), control("category", optionsOf("category", say("all"))),
        control("by", optionsOf("by", say("by_none"))),
        make("label", { class: "filter" }, make("span", { text: say("duty_holder") }), make("input", { type: "search", name: "unit", value: this.asked.get("unit") ?? "", placeholder: say("all"), onchange: (event) => this.change({ unit: event.target.value.trim() }) }))));
  }

  renderBody() {
    const [part] = this.total.parts;
    const period = [this.asked.get("from"), this.asked.get("to")].map((day) => day ?? "…").join(" – ");
    this.body.replaceChildren(
      make("p", { class: "muted figure-as-of", text: `${say("period")} ${period === "… – …" ? say("ever") : period} · ${say("as_of", { when: writeMoment(this.total.as_of) })}` }),
      make("div", { class: "identities" },
        renderIdentity(part.figures, "found", ["on_spot", "ordered", "undecided", "transferred"], "identity_found"),
        renderIdentity(part.figures, "ordered", ["closed_in_time", "closed_late", "not_due", "overdue", "deferred"], "identity_ordered")),
      renderVerify(part.figures),
      renderRates(part.figures),
      this.broken ? renderBreakdown(this.broken, part.figures, this.office.start) : "",
      renderCoverage(this.coverage),
      this.sync ? renderSync(this.sync, this.office.start) : "");
  }

  exportCsv() {
    const name = ["figures", this.asked.get("from"), this.asked.get("to")].filter(Boolean).join("_");
    download(`${name}.csv`, writeCsv(this.total, this.broken, this.office.start), "text/csv;charset=utf-8");
  }
}

function periods() {
  const today = writeDate(serverTime());
  const year = Number(today.slice(0, 4));
  const lastDay = new Date(Date.UTC(year, Number(today.slice(5, 7)), 0)).getUTCDate();
  return {
    this_year: [`${year}-01-01`, `${year}-12-31`],
    last_year: [`${year - 1}-01-01`, `${year - 1}-12-31`],
    this_month: [`${today.slice(0, 7)}-01`, `${today.slice(0, 7)}-${String(lastDay).padStart(2, "0")}`],
    ever: ["", ""],
  };
}
