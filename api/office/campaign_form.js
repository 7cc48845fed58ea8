// A new campaign: whom it looks at, all of them or a drawn share, by which document, until when.

import { ask } from "./ask.js";
import { serverTime } from "./clock.js";
import { make } from "./dom.js";
import { button, field, openDialog, select, word, writeDate } from "./parts.js";
import { say } from "./words.js";

const DAY_MS = 86400000;

export function openCampaignForm(office, done) {
  const rules = make("div", { class: "rules" });
  const problem = make("p", { class: "problem", role: "alert", hidden: true });
  const now = serverTime();
  const input = (name, type, value = "", more = {}) => make("input", { name, type, value, ...more });
  const form = make("form", { class: "act-form", novalidate: true, onsubmit: (happened) => (happened.preventDefault(), send()) },
    field(say("campaign_name"), input("name", "text", "", { maxlength: 200, required: true })),
    field(say("f_document"), input("document", "text", "", { maxlength: 200 })),
    make("div", { class: "pair" },
      field(say("starts_on"), input("starts_on", "date", writeDate(now))),
      field(say("due_on"), input("due_on", "date", writeDate(now + 30 * DAY_MS)))),
    rules,
    problem,
    make("div", { class: "form-foot" }, button(say("cancel"), () => opened.close(), "quiet"), make("button", { type: "submit", class: "button primary", text: say("submit") })));
  rules.append(renderRule(office));
  const opened = openDialog(say("campaign_new"), form);

  async function send() {
    const facts = Object.fromEntries(["name", "document", "starts_on", "due_on"].map((name) => [name, form.elements[name].value.trim()]));
    if (!facts.name) return show(say("needs", { what: say("campaign_name") }));
    if (!facts.document) delete facts.document;
    try {
      await ask("/campaigns", { method: "POST", json: { ...facts, rules: [...rules.children].map(readRule) } });
    } catch (error) {
      return show(say("failed", { why: error.message }));
    }
    opened.close();
    return done();
  }

  const show = (text) => Object.assign(problem, { hidden: false, textContent: text });
}

function renderRule(office) {
  const { sites, townships } = office.start;
  const categories = Object.keys(sites).map((key) => [key, `${word("category", key)}(${word("kind", sites[key])})`]);
  const mode = select("mode", [["all", say("mode_all")], ["sample", say("mode_sample")]], "all", (event) => (sample.hidden = event.target.value === "all"));
  const sample = make("div", { class: "pair", hidden: true },
    field(say("rate"), make("input", { name: "rate", type: "number", min: 0.1, max: 100, step: 0.1, value: 20 })),
    field(say("seed"), make("input", { name: "seed", type: "number", min: 0, max: 2147483647, step: 1, value: crypto.getRandomValues(new Uint32Array(1))[0] % 1000000 })));
  const category = select("category", categories, categories[0][0]);
  return make("fieldset", { class: "rule", "data-sites": JSON.stringify(sites) }, make("legend", { text: say("campaign_target") }),
    make("div", { class: "pair" }, field(say("category"), category), field(say("township"), select("township", [["", say("every_township")], ...townships.map((one) => [one.code, one.name])], ""))),
    make("div", { class: "pair" }, field(say("scope"), mode), make("span", {})),
    sample);
}

function readRule(rule) {
  const value = (name) => rule.querySelector(`[name=${name}]`).value;
  const made = { category: value("category"), kind: JSON.parse(rule.dataset.sites)[value("category")], mode: value("mode") };
  if (value("township")) made.township = value("township");
  if (made.mode === "sample") Object.assign(made, { rate: Number(value("rate")) / 100, seed: Number(value("seed")) });
  return made;
}
