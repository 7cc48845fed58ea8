// Campaigns (专项检查): how far each has come by category, and whose the targets are.

import { ask } from "./ask.js";
import { openCampaignForm } from "./campaign_form.js";
import { make } from "./dom.js";
import { button, complain, personName, select, toast, townshipName, word, writeDate } from "./parts.js";
import { currentLanguage, say } from "./words.js";

const FIRST = 200;

export class CampaignsTab {
  constructor(office) {
    this.office = office;
    this.opened = null;
    this.place = make("section", { class: "campaigns" });
    this.only = false;
  }

  async open() {
    await this.refresh();
  }

  async refresh() {
    this.campaigns = await ask("/campaigns");
    if (this.opened) this.tasks = await ask(`/campaigns/${this.opened}/tasks`);
    this.render();
  }

  render() {
    const scrolled = this.place.querySelector(".task-scroll")?.scrollTop ?? 0;
    const manages = this.office.may("manage_campaigns");
    this.place.replaceChildren(
      make("header", { class: "page-head title-line" }, make("h1", { text: say("campaigns") }),
        manages ? button(say("campaign_new"), () => openCampaignForm(this.office, () => this.office.keep(() => this.refresh())), "primary") : null),
      ...(this.campaigns.length ? this.campaigns.map((one) => this.renderCampaign(one, manages)) : [make("p", { class: "empty", text: say("campaign_none") })]));
    const scroll = this.place.querySelector(".task-scroll");
    if (scroll) scroll.scrollTop = scrolled;
  }

  renderCampaign(one, manages) {
    const unfolded = this.opened === one.id;
    return make("article", { class: `campaign${one.is_open ? "" : " is-over"}`, "data-campaign": one.id },
      make("header", {},
        make("div", {}, make("h2", { text: one.name }),
          make("p", { class: "muted", text: [one.document, `${writeDate(one.starts_on)} – ${writeDate(one.due_on)}`, one.is_open ? "" : say("campaign_over")].filter(Boolean).join(" · ") })),
        make("div", { class: "campaign-tools" },
          button(say("tasks"), () => this.unfold(one.id), "", { "aria-expanded": String(unfolded) }),
          manages && one.is_open ? this.renderClose(one) : null)),
      make("div", { class: "strata" }, ...[...new Set(one.rules.map((rule) => rule.category))].map((category) => this.renderStratum(one, category))),
      unfolded ? this.renderTasks(one, manages && one.is_open) : null);
  }

  // One block a category, whatever number of rules chose its targets.
  renderStratum(one, category) {
    const done = one.coverage[category] ?? { targets: 0, visited: 0, no_entry: 0, unassigned: 0, visits: {} };
    const share = done.targets ? done.visited / done.targets : 0;
    const describe = (rule) => [rule.mode === "sample" ? `${say("mode_sample")} ${Math.round(rule.rate * 1000) / 10}%` : say("mode_all"),
      rule.township ? townshipName(this.office.start, rule.township) : "", word("kind", rule.kind)].filter(Boolean).join(" · ");
    const rules = one.rules.filter((rule) => rule.category === category).map(describe).join(say("separator"));
    const count = (key, value) => make("div", { class: "tally" }, make("strong", { text: value ?? 0 }), make("span", { class: "muted", text: say(key) }));
    return make("div", { class: "stratum" },
      make("p", { class: "stratum-head" }, make("strong", { text: word("category", category) }), make("span", { class: "muted", text: rules }),
        this.office.may("export") ? make("a", { href: `/labels?kind=${one.rules.find((rule) => rule.category === category).kind}&campaign=${one.id}&lang=${currentLanguage()}`, target: "_blank", text: say("labels") }) : null,
        make("span", { class: "percent", text: done.targets ? `${Math.floor(share * 1000) / 10}%` : "—" })),
      make("progress", { max: done.targets || 1, value: done.visited, "aria-label": `${word("category", category)} ${done.visited}/${done.targets}` }),
      make("div", { class: "tallies" },
        count("population", one.population?.[category]), count("targets", done.targets), count("visited", done.visited),
        count("no_entry", done.no_entry), count("unassigned", done.unassigned),
        count("units", done.visits?.units), count("visits", done.visits?.visits), count("outings", done.visits?.outings)));
  }

  renderClose(one) {
    let sure = false;
    const made = button(say("close_campaign"), async () => {
      if (!sure) {
        sure = true;
        made.textContent = say("close_campaign_sure");
        made.classList.add("danger");
        return;
      }
      await this.change(`/campaigns/${one.id}/close`, undefined);
    }, "quiet");
    return made;
  }

  async unfold(id) {
    this.opened = this.opened === id ? null : id;
    this.chosen = new Set();
    await this.office.keep(() => this.refresh());
  }

  async change(path, json) {
    try {
      await ask(path, { method: "POST", json });
      await this.refresh();
      return true;
    } catch (error) {
      complain(error);
      return false;
    }
  }

  renderTasks(one, assigns) {
    const shown = this.tasks.filter((task) => !this.only || (!task.assigned_to && task.state === "todo"));
    const count = make("span", { class: "muted", text: say("selected", { n: this.chosen.size }) });
    const boxes = [];
    const choose = (task, on) => {
      on ? this.chosen.add(task.id) : this.chosen.delete(task.id);
      count.textContent = say("selected", { n: this.chosen.size });
    };
    const rows = shown.slice(0, FIRST).map((task) => {
      const box = assigns ? make("input", { type: "checkbox", checked: this.chosen.has(task.id), "aria-label": task.code, onchange: () => choose(task, box.checked) }) : null;
      if (box) boxes.push(box);
      return make("tr", {}, assigns ? make("td", {}, box) : null, make("td", { text: task.code }), make("td", { text: word("category", task.category) }),
        make("td", { text: task.assigned_to ? personName(this.office.start, task.assigned_to) : "—" }), make("td", {}, make("span", { class: `chip task-${task.state}`, text: say(`task_${task.state}`) })));
    });
    const all = assigns ? make("input", { type: "checkbox", "aria-label": say("select_all"), title: say("select_all"), onchange: () => {
      shown.forEach((task) => choose(task, all.checked));
      boxes.forEach((box) => (box.checked = all.checked));
    } }) : null;
    const heads = ["campaign_target", "category", "assign_to", "state"].map((key) => make("th", { scope: "col", text: say(key) }));
    return make("div", { class: "tasks" },
      make("div", { class: "task-tools" },
        button(say("only_unassigned"), () => ((this.only = !this.only), this.render()), "toggle", { "aria-pressed": String(this.only) }),
        assigns ? count : null, assigns ? this.renderAssign(one) : null),
      make("div", { class: "task-scroll", tabindex: 0 }, make("table", {}, make("thead", {}, make("tr", {}, assigns ? make("th", {}, all) : null, ...heads)), make("tbody", {}, ...rows))),
      shown.length > FIRST ? make("p", { class: "muted", text: say("first_rows", { n: FIRST }) }) : null);
  }

  renderAssign(one) {
    const people = this.office.start.people.filter((person) => person.roles.includes("inspector"));
    const who = select("to", [["", say("take_back")], ...people.map((person) => [person.login, person.name])], people[0]?.login);
    return make("span", { class: "assign" }, who, button(say("assign"), async () => {
      if (!this.chosen.size) return;
      const asked = { tasks: [...this.chosen], to: who.value || null };
      if (await this.change(`/campaigns/${one.id}/tasks`, asked)) {
        toast(say("assign"), "good");
        this.chosen.clear();
        this.render();
      }
    }, "primary"));
  }
}
