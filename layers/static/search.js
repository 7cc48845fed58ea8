// Finding by code or name: a combobox over the server's ranked answers.

import { make } from "./dom.js";
import { pick, say } from "./i18n.js";

const PAUSE = 220;

export class Search {
  // titleOf(kind): words of a layer; choose(result): what happens with the one picked.
  constructor(input, list, { titleOf, choose }) {
    Object.assign(this, { input, list, titleOf, choose, results: [], active: -1, asked: 0, answered: "" });
    input.addEventListener("input", () => this.schedule());
    input.addEventListener("keydown", (event) => this.steer(event));
    input.addEventListener("focus", () => this.results.length && this.render());
    input.addEventListener("blur", () => setTimeout(() => this.hide(), 150));
  }

  schedule() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  get words() {
    return this.input.value.trim();
  }

  async ask() {
    clearTimeout(this.timer);
    const wanted = this.words;
    const ticket = ++this.asked;
    if (!wanted) {
      this.results = [];
      this.answered = "";
      return this.hide();
    }
    const url = new URL("/search", document.baseURI);
    url.searchParams.set("q", wanted);
    url.searchParams.set("limit", "10");
    try {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(String(answer.status));
      const results = await answer.json();
      if (ticket !== this.asked) return;
      this.results = results;
      this.answered = wanted;
      this.active = -1;
      this.render(results.length ? null : say("search_none"));
    } catch {
      if (ticket === this.asked) this.render(say("search_failed"));
    }
  }

  render(message = null) {
    const rows = message ? [make("li", { class: "muted", text: message })] : this.results.map((result, index) => this.renderResult(result, index));
    this.list.replaceChildren(...rows);
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.input.setAttribute("aria-activedescendant", this.active < 0 ? "" : `result-${this.active}`);
  }

  renderResult(result, index) {
    const pickThis = (event) => {
      event.preventDefault();
      this.pickResult(index);
    };
    return make("li", { id: `result-${index}`, role: "option", "aria-selected": String(index === this.active), onpointerdown: pickThis },
      make("strong", { text: result.name || result.code }),
      make("span", { class: "muted", text: [result.name ? result.code : "", pick(this.titleOf(result.kind))].filter(Boolean).join(" · ") }));
  }

  steer(event) {
    if (event.key === "Escape") {
      this.input.value = "";
      this.results = [];
      return this.ask();
    }
    if (event.key === "Enter") return this.pickFirst();
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || !this.results.length) return;
    event.preventDefault();
    this.active = (this.active + by + this.results.length) % this.results.length;
    this.render();
  }

  // The list may still be that of other words: what was typed is asked for before it is picked from.
  async pickFirst() {
    const wanted = this.words;
    if (wanted !== this.answered) await this.ask();
    if (wanted && wanted === this.words && wanted === this.answered) this.pickResult(Math.max(0, this.active));
  }

  pickResult(index) {
    const result = this.results[index];
    if (!result) return;
    this.hide();
    this.choose(result);
  }

  hide() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
  }
}
