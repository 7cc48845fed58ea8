// 用地图斑: the list of plots, and the one that is open beside it.

import { ask } from "./ask.js";
import { setClock } from "./clock.js";
import { make } from "./dom.js";
import { latenessMark, moveAlong, townshipName, word } from "./parts.js";
import { renderPlot, writeMu } from "./plot.js";
import { say } from "./words.js";

export class PlotsTab {
  constructor(office) {
    this.office = office;
    this.list = make("ul", { class: "rows case-rows" });
    this.side = make("div", { class: "case-side" });
    moveAlong(this.list);
    this.place = make("section", { class: "cases plots" }, make("div", { class: "case-list" }, this.list), this.side);
  }

  async open({ argument }) {
    this.current = argument;
    this.place.classList.toggle("has-case", Boolean(argument));
    await this.refresh();
  }

  async refresh() {
    const wanted = this.current;
    const [answer, one] = await Promise.all([ask("/plots?limit=1000"), wanted ? ask(`/plots/${encodeURIComponent(wanted)}`) : null]);
    if (wanted !== this.current) return;
    setClock(answer.now, this.office.start.timezone);
    this.renderRows(answer.plots);
    const back = make("a", { class: "button quiet case-back", href: "#plots", text: `‹ ${say("back")}` });
    this.side.replaceChildren(...(one ? [back, renderPlot(this.office, one, () => this.office.keep(() => this.refresh()))] : [make("p", { class: "empty pick", text: say("plot_pick") })]));
  }

  renderRows(plots) {
    const rows = plots.map((one) => make("li", {}, make("a", { class: "row", href: `#plots/${one.id}`, "aria-current": one.id === this.current ? "true" : null },
      make("span", { class: "row-main" }, make("span", { class: "row-title", text: one.name ?? one.code }),
        make("span", { class: "row-facts muted", text: [one.code, one.route && word("plot_route", one.route), writeMu(one.plot_area_m2), townshipName(this.office.start, one.township)].filter(Boolean).join(" · ") })),
      make("span", { class: "row-due" }, make("span", { class: `chip plot-${one.stage}`, text: word("plot_stage", one.stage) }), one.due_on ? latenessMark(`${one.due_on}T23:59:59+08:00`, one.stage !== "closed") : null))));
    this.list.replaceChildren(...(rows.length ? rows : [make("li", { class: "empty", text: say("plot_none") })]));
  }

  escape() {
    if (this.current) location.hash = "#plots";
  }
}

// On the page of a case that was found at a plot.
export async function showPlot(place, office, hazard) {
  const isPlot = hazard.category === "land" && hazard.asset_id;
  if (!isPlot || !office.may("read_hazards")) return;
  const fill = async () => {
    const answer = await ask(`/plots/${encodeURIComponent(hazard.asset_id)}`).catch((error) => (error.status === 404 ? null : Promise.reject(error)));
    place.replaceChildren(...(answer ? [renderPlot(office, answer, fill)] : []));
  };
  await fill();
}
