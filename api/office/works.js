// 管网进度: the monthly grid of works, its rows, and the desilting ledger beside it.

import { ask, fetchBlob } from "./ask.js";
import { serverTime } from "./clock.js";
import { make } from "./dom.js";
import { button, download, select, writeDate } from "./parts.js";
import { JobsView } from "./works_jobs.js";
import { currentLanguage, pick, say } from "./words.js";

const ASKED = ["from", "to", "township", "as-of"];
const CELL = ["activity", "state", "system"];
const ROWS = 200;
export const writeKm = (metres) => (metres / 1000).toFixed(3);
export const writeM = (metres) => (metres === null || metres === undefined ? "–" : Number(metres).toFixed(1));

export class WorksTab {
  constructor(office) {
    this.office = office;
    this.head = make("header", { class: "page-head" });
    this.body = make("div", { class: "works-body" });
    this.jobs = new JobsView(office);
    this.place = make("section", { class: "works" }, this.head, this.body);
  }

  async open({ argument, query }) {
    this.asked = new URLSearchParams([...query].filter(([, value]) => value));
    this.isLedger = argument !== "";
    this.job = argument === "jobs" ? "" : argument;
    if (!this.isLedger && !this.asked.has("from")) this.asked.set("from", `${writeDate(serverTime()).slice(0, 4)}-01-01`);
    if (!this.isLedger && !this.asked.has("to")) this.asked.set("to", writeDate(serverTime()));
    this.renderHead();
    await this.refresh();
  }

  async refresh() {
    const mine = (this.turn = {});
    if (this.isLedger) return void (await this.jobs.open(this.body, this.asked, this.job));
    const period = new URLSearchParams([...this.asked].filter(([name]) => ASKED.includes(name)));
    const isCell = CELL.some((name) => this.asked.has(name));
    const cell = new URLSearchParams([...this.asked].filter(([name]) => [...ASKED, ...CELL].includes(name)));
    const questions = [ask(`/network/progress?${period}`), isCell ? ask(`/network/progress/rows?${cell}&limit=${ROWS}`) : null];
    const [grid, rows] = await Promise.all(questions);
    if (this.turn !== mine) return undefined;
    this.grid = grid;
    this.body.replaceChildren(this.renderGrid(), rows ? this.renderRows(rows) : "", this.renderBasis());
    return undefined;
  }

  change(facts) {
    const asked = new URLSearchParams(this.asked);
    for (const [name, value] of Object.entries(facts)) value ? asked.set(name, value) : asked.delete(name);
    location.hash = `#works?${asked}`;
  }

  renderHead() {
    const day = (name, word) => make("label", { class: "filter" }, make("span", { text: say(word) }), make("input", { type: "date", name, value: this.asked.get(name) ?? "", onchange: (event) => this.change({ [name]: event.target.value }) }));
    const townships = [["", say("all")], ...this.office.start.townships.map((one) => [one.code, one.name])];
    const tab = (name, href, isHere) => make("a", { class: "button toggle", href, "aria-current": isHere ? "page" : null, "aria-pressed": String(isHere), text: say(name) });
    const tools = this.isLedger ? this.jobs.tools() : this.office.may("export") ? [button(say("works_xlsx"), () => this.office.keep(() => this.export()), "", { id: "works-xlsx" })] : [];
    this.head.replaceChildren(
      make("div", { class: "title-line" }, make("h1", { text: say("works") }), make("div", { class: "page-tools" }, ...tools)),
      make("div", { class: "presets", role: "group", "aria-label": say("works") }, tab("works_grid", "#works", !this.isLedger), tab("works_ledger", "#works/jobs", this.isLedger)),
      this.isLedger ? "" : make("div", { class: "filters" }, day("from", "from"), day("to", "to"), day("as-of", "works_as_of"),
        make("label", { class: "filter" }, make("span", { text: say("township") }), select("township", townships, this.asked.get("township"), (event) => this.change({ township: event.target.value })))));
  }

  renderGrid() {
    const { activities, states, systems, cells } = this.grid;
    const found = new Map(cells.map((one) => [`${one.activity} ${one.state} ${one.system}`, one]));
    const names = Object.keys(systems).filter((name) => name !== "unknown" || cells.some((one) => one.system === "unknown"));
    const head = make("thead", {},
      make("tr", {}, make("th", { scope: "col", rowspan: 2, text: say("works_activity") }), ...Object.keys(states).map((state) => make("th", { scope: "colgroup", colspan: names.length + 1, text: pick(states[state]) })), make("th", { scope: "col", rowspan: 2, text: say("works_volume") }), make("th", { scope: "col", rowspan: 2, text: say("works_flagged") })),
      make("tr", {}, ...Object.keys(states).flatMap(() => [...names.map((name) => make("th", { scope: "col", text: pick(systems[name]) })), make("th", { scope: "col", text: say("total") })])));
    const line = (activity) => {
      const mine = (state) => names.map((system) => [system, found.get(`${activity} ${state} ${system}`)]);
      const figures = Object.keys(states).flatMap((state) => {
        const own = mine(state);
        const sum = own.reduce((total, [, one]) => total + (one?.counted_m ?? 0), 0);
        return [...own.map(([system, one]) => this.renderCell({ activity, state, system }, one?.counted_m ?? 0)), this.renderCell({ activity, state, system: "" }, sum)];
      });
      const done = mine("completed").map(([, one]) => one).filter(Boolean);
      const volume = (name) => make("td", { class: "figure", text: activity === "desilting" ? done.reduce((total, one) => total + (one[name] ?? 0), 0).toFixed(2) : "" });
      return make("tr", {}, make("th", { scope: "row", text: pick(activities[activity]) }), ...figures, volume("volume_m3"), volume("flagged_m3"));
    };
    const rules = this.grid.rules;
    return make("section", { class: "panel" },
      make("p", { class: "muted", text: `${this.grid.from} – ${this.grid.to} · ${say("works_km")}` }),
      make("div", { class: "scroll" }, make("table", { class: "works-grid" }, head, make("tbody", {}, ...Object.keys(activities).map(line)))),
      make("p", { class: "muted", text: say("works_once", { n: activities.desilting.cycle_months, version: rules.version, mark: say(`works_${rules.mark}`) }) }));
  }

  renderCell(cell, metres) {
    const isHere = CELL.every((name) => (this.asked.get(name) ?? "") === cell[name]);
    const query = new URLSearchParams(this.asked);
    for (const name of CELL) cell[name] ? query.set(name, cell[name]) : query.delete(name);
    const figure = metres ? make("a", { href: `#works?${query}`, "aria-current": isHere ? "true" : null, text: writeKm(metres) }) : make("span", { class: "muted", text: "0" });
    return make("td", { class: `figure${cell.system ? "" : " whole"}` }, figure);
  }

  renderRows({ rows, more }) {
    const { activities, states, systems } = this.grid;
    const what = [activities[this.asked.get("activity")], states[this.asked.get("state")], systems[this.asked.get("system")]].map(pick).filter(Boolean).join(" · ");
    const columns = ["works_pipe", "works_day", "works_pipe_length", "works_length", "works_counted", "works_road", "works_flag"];
    const line = (one) => make("tr", {},
      make("td", {}, one.record === "desilting" ? make("a", { href: `#works/${one.id}`, text: one.pipe_code ?? one.id }) : one.pipe_code ?? "–"),
      make("td", { text: one.day ?? "" }), ...[one.pipe_length_m, one.length_m, one.counted_m].map((metres) => make("td", { class: "figure", text: writeM(metres) })),
      make("td", { text: one.road ?? "" }), make("td", {}, one.flags?.length ? make("span", { class: "chip", text: String(one.flags.length) }) : ""));
    return make("section", { class: "panel works-rows" },
      make("h2", { text: say("works_rows", { what, n: more ? `${ROWS}+` : rows.length }) }),
      more ? make("p", { class: "muted", text: say("works_rows_more", { n: ROWS }) }) : "",
      make("div", { class: "scroll" }, make("table", {}, make("thead", {}, make("tr", {}, ...columns.map((name) => make("th", { scope: "col", text: say(name) })))), make("tbody", {}, ...rows.map(line)))));
  }

  renderBasis() {
    const lines = Object.values(this.grid.activities).flatMap((one) => [make("dt", { text: pick(one) }), make("dd", { text: pick(one.basis) })]);
    return make("details", { class: "panel" }, make("summary", { text: say("works_basis") }), make("dl", { class: "facts" }, ...lines));
  }

  async export() {
    const period = new URLSearchParams([...this.asked].filter(([name]) => ASKED.includes(name)));
    const book = await fetchBlob(`/network/progress?${period}&f=xlsx&lang=${currentLanguage()}`);
    download(`${say("works")}_${this.grid.from}_${this.grid.to}.xlsx`, book, book.type);
  }

  escape() {
    if (this.isLedger && this.job) location.hash = "#works/jobs";
  }
}
