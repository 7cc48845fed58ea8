// One case: what it is, its photos, what happened, and what this person may do about it now.

import { renderActs } from "./act_list.js";
import { showAlike } from "./alike.js";
import { ask } from "./ask.js";
import { make } from "./dom.js";
import { makeLink } from "./holder_link.js";
import { button, latenessMark, personName, severityMark, stateChip, titleOf, townshipName, word, writeDate, writeItem, writeMoment } from "./parts.js";
import { renderPhotos } from "./photos.js";
import { lastPlan, renderClocks, renderPlan } from "./plan.js";
import { showPlot } from "./plots.js";
import { cautionOf, renderTimeline } from "./timeline.js";
import { currentLanguage, say } from "./words.js";

const DATED = new Set(["found", "notified", "extended", "deferred"]);

export class CasePanel {
  // changed(): after something was recorded.
  constructor(office, place, changed) {
    Object.assign(this, { office, place, changed });
    this.shown = null;
  }

  async open(id, { quiet = false } = {}) {
    if (!id) {
      this.shown = null;
      return this.place.replaceChildren(make("p", { class: "empty pick", text: say("pick_case") }));
    }
    if (!quiet && this.shown?.id !== id) this.place.replaceChildren(make("p", { class: "empty", text: say("loading") }));
    const mine = (this.turn = {});
    let loaded;
    try {
      const [one, timeline] = await Promise.all([ask(`/hazards/${encodeURIComponent(id)}`), ask(`/hazards/${encodeURIComponent(id)}/timeline`)]);
      loaded = { id, ...one, timeline };
    } catch (error) {
      if (error.status !== 404 || this.turn !== mine) throw error;
      return this.place.replaceChildren(make("p", { class: "empty", text: say("gone") }));
    }
    if (this.turn !== mine) return undefined;
    const news = JSON.stringify(loaded);
    if (quiet && news === this.seen) return undefined;
    this.seen = news;
    this.shown = loaded;
    return this.render();
  }

  async recorded() {
    await Promise.all([this.open(this.shown.id, { quiet: true }), this.changed()]);
  }

  render() {
    const { hazard, timeline, hints } = this.shown;
    const { start } = this.office;
    const allowed = this.shown.allowed[hazard.state] ?? [];
    const scrolled = this.place.scrollTop;
    const alike = make("div", { class: "case-alike" });
    const plot = make("div", { class: "case-plot" });
    hazard.plan = lastPlan(timeline);
    this.place.replaceChildren(make("article", { class: "case", "data-version": hazard.version },
      make("header", { class: "case-head" },
        make("a", { class: "button quiet case-back", href: location.hash.replace(/^#cases\/[^?]*/, "#cases"), text: `‹ ${say("back")}` }),
        make("p", { class: "case-code muted", text: hazard.code }),
        make("h2", { text: titleOf(hazard) }),
        make("p", { class: "chips" }, severityMark(hazard.severity), stateChip(hazard.state), latenessMark(hazard.due_at, hazard.is_open),
          hazard.supervision_listed ? make("span", { class: "chip is-late", text: say("supervision") }) : null,
          hazard.use_suspended ? make("span", { class: "chip", text: say("use_suspended") }) : null),
        renderDates(hazard),
        renderCautions(timeline)),
      renderActs({ office: this.office, hazard, allowed, hints, done: () => this.recorded() }),
      renderFacts(hazard, start),
      renderPlan(hazard, timeline),
      renderClocks(hazard),
      plot,
      renderPhotos(timeline, this.office.may("read_evidence")),
      alike,
      renderTimeline(timeline, start),
      this.office.may("issue_link") && hazard.is_open ? make("section", {}, button(say("link_make"), () => makeLink(hazard))) : null));
    this.place.scrollTop = scrolled;
    showAlike(alike, hazard);
    this.office.keep(() => showPlot(plot, this.office, hazard));
  }
}

// The date in force, and beside it the one first set: it is never overwritten.
function renderDates(hazard) {
  const parts = [hazard.due_at ? say("due", { date: writeMoment(hazard.due_at) }) : say("no_due")];
  if (!hazard.due_at && hazard.order_due_on) parts.push(say("ordered_until", { date: writeDate(hazard.order_due_on) }));
  if (hazard.original_due_at && hazard.original_due_at !== hazard.due_at) parts.push(say("original_due", { date: writeMoment(hazard.original_due_at) }));
  if (hazard.extensions) parts.push(say("extensions", { n: hazard.extensions }));
  if (hazard.returns) parts.push(say("returns", { n: hazard.returns }));
  if (hazard.waiting) parts.push(say("waiting_records", { n: hazard.waiting }));
  return make("p", { class: "case-dates", text: parts.join(" · ") });
}

// What is to be checked of the date in force: the newest record that speaks of one.
function renderCautions(timeline) {
  const last = timeline.filter((record) => record.outcome === "applied" && DATED.has(record.type)).at(-1);
  const text = last && cautionOf(last);
  return text ? make("p", { class: "note caution", text }) : null;
}

function renderFacts(hazard, start) {
  const person = (login, at) => (login || at ? say("by_person", { when: writeMoment(at), who: personName(start, login) }) : "");
  const rows = [
    ["item", hazard.item ? writeItem(hazard.item) : ""],
    ["f_note", hazard.description],
    ["category", word("category", hazard.category)],
    ["township", townshipName(start, hazard.township)],
    ["duty_holder", hazard.duty_holder],
    ["assigned", [hazard.section, personName(start, hazard.assigned_to)].filter(Boolean).join(" · ")],
    ["origin", word("origin", hazard.origin)],
    ["found_at", person(hazard.found_by, hazard.found_at)],
    ["controlled", writeMoment(hazard.controlled_at)],
    ["fixed", person(hazard.fixed_by, hazard.fixed_at)],
    ["reinspected", person(hazard.reinspected_by, hazard.reinspected_at)],
    ["review_on", writeDate(hazard.review_on)],
    ["survivor", hazard.survivor],
    ["closed", writeMoment(hazard.closed_at)],
  ].filter(([, value]) => value && value !== " · ");
  const list = make("dl", { class: "facts" }, ...rows.flatMap(([key, value]) => [make("dt", { text: say(key) }), make("dd", { text: value })]));
  const map = `/maps/hazards?lang=${currentLanguage()}#17/${hazard.lat.toFixed(5)}/${hazard.lon.toFixed(5)}/hazard/${currentLanguage()}/-/${encodeURIComponent(`hazard:${hazard.id}`)}`;
  return make("section", { class: "case-facts" },
    hazard.recurrence_of ? make("p", { class: "note", text: say("recurrence", { code: hazard.recurrence_of }) }) : null,
    list,
    make("p", {}, make("a", { href: map, text: say("on_map") }), make("span", { class: "muted", text: ` ${hazard.lon.toFixed(5)}, ${hazard.lat.toFixed(5)}` })));
}
