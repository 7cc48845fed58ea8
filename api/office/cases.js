// The list of cases with its filters, page after page, and the case that is open beside it.

import { ask } from "./ask.js";
import { CasePanel } from "./case.js";
import { setClock } from "./clock.js";
import { make } from "./dom.js";
import { openImport } from "./import.js";
import { mayLog, openLog } from "./log_form.js";
import { button, complain, latenessMark, moveAlong, optionsOf, select, severityMark, stateChip, titleOf, townshipName, word, writeDate } from "./parts.js";
import { say } from "./words.js";

const PAGE = 50;
const TYPING_MS = 300;
const FILTERS = ["state", "severity", "category", "township", "q", "open", "overdue", "order"];

// A link names the rows behind a figure and nothing else.
const readBehind = (asked) => (asked.get("rows")?.startsWith("/hazards/figures/rows?") ? asked.get("rows") : null);

export class CasesTab {
  constructor(office) {
    this.office = office;
    this.rows = [];
    this.filters = make("div", { class: "filters case-filters" });
    this.count = make("p", { class: "list-count muted" });
    this.list = make("ul", { class: "rows case-rows" });
    this.foot = make("div", { class: "list-foot" });
    this.side = make("div", { class: "case-side" });
    this.panel = new CasePanel(office, this.side, () => this.afterChange());
    moveAlong(this.list);
    this.place = make("section", { class: "cases" }, make("div", { class: "case-list" }, this.filters, this.count, this.list, this.foot), this.side);
  }

  async open({ argument, query }) {
    const filters = new URLSearchParams([...query].filter(([name]) => FILTERS.includes(name) || name === "rows" || name === "name"));
    const changed = this.asked?.toString() !== filters.toString();
    this.asked = filters;
    this.current = argument;
    this.place.classList.toggle("has-case", Boolean(argument));
    const both = [this.panel.open(argument)];
    if (changed || !this.rows.length) (this.renderFilters(), both.push(this.load()));
    else this.renderRows();
    await Promise.all(both);
  }

  async refresh() {
    await Promise.all([this.load({ quiet: true }), this.panel.open(this.current, { quiet: true })]);
  }

  afterChange() {
    return this.load({ quiet: true });
  }

  address(more = {}) {
    const asked = new URLSearchParams(this.asked);
    for (const [name, value] of Object.entries(more)) value ? asked.set(name, value) : asked.delete(name);
    const query = asked.toString();
    return (id) => `#cases${id ? `/${id}` : ""}${query ? `?${query}` : ""}`;
  }

  change(name, value) {
    location.hash = this.address({ [name]: value })(this.current);
  }

  question(cursor) {
    const asked = new URLSearchParams([...this.asked].filter(([name]) => FILTERS.includes(name)));
    if (!asked.has("order")) asked.set("order", "due");
    if (this.isOpenOnly()) asked.set("open", "true");
    else asked.delete("open");
    asked.set("limit", PAGE);
    if (cursor) asked.set("cursor", cursor);
    return `/hazards?${asked}`;
  }

  // quiet: as many rows as are shown now, so that nothing jumps away under the reader.
  async load({ quiet = false } = {}) {
    const mine = (this.turn = {});
    const behind = readBehind(this.asked);
    const wanted = quiet ? Math.max(PAGE, this.rows.length) : PAGE;
    let rows = [];
    let answer = null;
    do {
      answer = await ask(behind ?? this.question(answer?.next));
      rows = rows.concat(answer.hazards);
    } while (!behind && answer.next && rows.length < wanted);
    if (this.turn !== mine) return;
    setClock(answer.now, this.office.start.timezone);
    this.rows = rows;
    this.next = behind ? null : answer.next;
    this.matched = behind ? answer.count : answer.matched;
    this.renderRows();
  }

  async loadMore() {
    const answer = await ask(this.question(this.next));
    this.rows = this.rows.concat(answer.hazards);
    this.next = answer.next;
    this.renderRows();
  }

  renderFilters() {
    if (readBehind(this.asked)) {
      this.filters.replaceChildren(
        make("p", { class: "behind" }, make("strong", { text: say("behind", { name: this.asked.get("name") ?? "" }) })),
        make("a", { class: "button", href: "#cases", text: say("behind_all") }));
      return;
    }
    const control = (name, label, options) => make("label", { class: "filter" }, make("span", { text: label }), select(name, options, this.asked.get(name), (event) => this.change(name, event.target.value)));
    const townships = [["", say("all")], ...this.office.start.townships.map((one) => [one.code, one.name])];
    this.filters.replaceChildren(
      this.renderSearch(),
      control("state", say("state"), optionsOf("state", say("all"))),
      control("severity", say("severity"), optionsOf("severity", say("all"))),
      control("category", say("category"), optionsOf("category", say("all"))),
      control("township", say("township"), townships),
      control("order", say("order"), [["", say("order_due")], ["newest", say("order_newest")]]),
      make("div", { class: "toggles" }, button(say("filter"), () => this.filters.classList.toggle("is-unfolded"), "toggle unfold"), this.renderToggle("open", say("open_only"), this.isOpenOnly(), "all"), this.renderToggle("overdue", say("overdue_only"), this.asked.get("overdue") === "true"),
        mayLog(this.office) ? button(say("log_hazard"), () => openLog(this.office, () => this.refresh()), "log") : null,
        this.office.may("import_outbox") ? button(say("import"), () => openImport(() => this.refresh().catch(complain)), "quiet import") : null));
  }

  renderSearch() {
    let timer = null;
    return make("input", { type: "search", class: "search", "data-search": "", maxlength: 100, placeholder: say("search"), "aria-label": say("search_label"), title: say("search_label"), value: this.asked.get("q") ?? "", oninput: (event) => {
      clearTimeout(timer);
      const value = event.target.value.trim();
      timer = setTimeout(() => this.search(value), TYPING_MS);
    } });
  }

  // The field keeps its focus: the list changes, the filters stay as they are.
  search(value) {
    history.replaceState(null, "", this.address({ q: value })(this.current));
    value ? this.asked.set("q", value) : this.asked.delete("q");
    return this.office.keep(() => this.load());
  }

  // What is over is looked for by name, by its state, or on purpose.
  isOpenOnly() {
    return this.asked.get("open") === "true" || (!this.asked.has("open") && !this.asked.has("state") && !this.asked.has("q"));
  }

  renderToggle(name, text, on, off = "") {
    return button(text, () => this.change(name, on ? off : "true"), "toggle", { "aria-pressed": String(on) });
  }

  renderRows() {
    const address = this.address();
    this.count.textContent = say("matched", { n: this.matched });
    this.list.replaceChildren(...this.rows.map((row) => make("li", {}, this.renderRow(row, address(row.id)))));
    const foot = [];
    if (!this.rows.length) foot.push(make("p", { class: "empty", text: say("no_cases") }));
    if (this.next) foot.push(button(say("more"), () => this.office.keep(() => this.loadMore()), "more"));
    if (!this.next && this.matched > this.rows.length) foot.push(make("p", { class: "muted", text: say("first_rows", { n: this.rows.length }) }));
    this.foot.replaceChildren(...foot);
  }

  renderRow(row, href) {
    const facts = [word("category", row.category), townshipName(this.office.start, row.township), row.duty_holder].filter(Boolean);
    return make("a", { class: "row", href, "aria-current": row.id === this.current ? "true" : null },
      make("span", { class: "row-mark" }, severityMark(row.severity, { withWord: false })),
      make("span", { class: "row-main" },
        make("span", { class: "row-title", text: titleOf(row) }),
        make("span", { class: "row-facts muted", text: [row.code, ...facts].join(" · ") })),
      make("span", { class: "row-due" }, stateChip(row.state), latenessMark(row.due_at, row.is_open) ?? make("span", { class: "muted", text: row.due_at && row.is_open ? say("due", { date: writeDate(row.due_at) }) : "" })));
  }

  escape() {
    if (this.current) location.hash = this.address()("");
  }
}
