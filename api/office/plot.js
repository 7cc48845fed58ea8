// One land plot: facts, its route as a list of steps with dates and numbers, the enforcer's clock.

import { serverTime } from "./clock.js";
import { make } from "./dom.js";
import { button, latenessMark, lateness, personName, townshipName, word, writeDate, writeMoment } from "./parts.js";
import { openRecord } from "./record_form.js";
import { PLOT_STAGES } from "./vocabulary.js";
import { pick, say } from "./words.js";

const MU_M2 = 10000 / 15;
export const writeMu = (m2) => (m2 === null || m2 === undefined ? "" : say("plot_mu", { n: Math.round((m2 / MU_M2) * 100) / 100 }));
const STAGE_COLUMNS = { filed: ["filed_on", null], submitted: ["submitted_on", "submission_number"], approved: ["approved_on", "approval_number"], closed: ["closed_on", "closing_number"] };
const PARTS = ["area_m2", "cultivated_m2", "basic_farmland_m2"];
const AREA_WORDS = { area_m2: "plot_area", cultivated_m2: "plot_cultivated", basic_farmland_m2: "plot_farmland" };

export function renderPlot(office, answer, done) {
  const { plot } = answer;
  const records = office.may("read_duty") && office.may("record_event");
  const open = plot.stage !== "closed";
  return make("article", { class: "case plot", "data-plot": plot.id },
    make("header", { class: "case-head" },
      make("p", { class: "case-code muted", text: [plot.code, `${say("plot_number")} ${plot.plot_number}`, plot.plot_year].join(" · ") }),
      make("h2", { text: plot.name ?? plot.code }),
      make("p", { class: "chips" }, make("span", { class: `chip plot-${plot.stage}`, text: word("plot_stage", plot.stage) }), make("span", { class: "chip", text: plot.route ? word("plot_route", plot.route) : say("plot_no_route") }),
        plot.due_on ? latenessMark(`${plot.due_on}T23:59:59+08:00`, open) : null),
      plot.due_on ? make("p", { class: "case-dates", text: say("due", { date: plot.due_on }) }) : null),
    records ? renderActs(office, answer, done) : null,
    renderFacts(office, plot),
    renderRoute(answer),
    renderEnforcement(office, answer, records, done),
    renderRecords(office, answer, records, done));
}

function renderFacts(office, plot) {
  const rows = [
    ["plot_party", plot.rectifying_party], ["plot_enforcer", plot.enforcer], ["township", townshipName(office.start, plot.township)],
    ["plot_area", writeMu(plot.plot_area_m2)], ["plot_cultivated", writeMu(plot.cultivated_m2)], ["plot_farmland", writeMu(plot.basic_farmland_m2)], ["plot_obstacle", plot.obstacle],
  ].filter(([, value]) => value);
  return make("section", { class: "panel" }, make("dl", { class: "facts" }, ...rows.flatMap(([key, value]) => [make("dt", { text: say(key) }), make("dd", { text: value })])));
}

// Every stage of the route, done or not, with its date and number.
function renderRoute({ plot, routes, steps }) {
  if (!plot.route) return null;
  const at = PLOT_STAGES.indexOf(plot.stage);
  const rows = routes[plot.route].map((stage) => {
    const [on, number] = STAGE_COLUMNS[stage.key];
    const reached = PLOT_STAGES.indexOf(stage.key) <= at;
    const step = steps.filter((one) => one.step === stage.key && !one.withdrawn_because).at(-1);
    const facts = [plot[on], number && plot[number]].filter(Boolean).join(" · ");
    return make("li", { class: reached ? "is-done" : "is-open", "data-stage": stage.key, "aria-current": PLOT_STAGES.indexOf(stage.key) === at + 1 ? "step" : null },
      make("strong", { text: pick(stage.text) }), make("span", { class: "muted", text: facts || (reached ? say("plot_register") : say("plot_open")) }), reached && step ? renderAreas(step) : null);
  });
  return make("section", { class: "panel" }, make("h3", { text: say("plot_steps") }), make("ol", { class: "route" }, ...rows), make("p", { class: "muted table-note", text: say("plot_unverified") }));
}

function renderAreas({ before, after }) {
  const line = (key, area) => (area ? make("span", { class: "line muted", text: `${say(key)}:${PARTS.filter((name) => name in area).map((name) => `${say(AREA_WORDS[name])} ${writeMu(area[name])}`).join(say("separator"))}` }) : null);
  return before || after ? make("span", { class: "areas" }, line("plot_before", before), line("plot_after", after)) : null;
}

function renderEnforcement(office, { plot, enforcement, next }, records, done) {
  const { clock, steps } = enforcement;
  if (!clock && !Object.keys(steps).length && !records) return null;
  const late = clock && !clock.stopped_at && plot.stage !== "closed" && lateness(clock.due_at).late;
  const rows = Object.entries(steps).sort(([, one], [, other]) => one.localeCompare(other)).map(([name, on]) => make("li", {}, make("time", { class: "muted", text: on }), make("strong", { text: word("enforcement", name) }), name === "decision_served" && plot.decision_number ? make("span", { text: plot.decision_number }) : null));
  return make("section", { class: "panel enforcement" }, make("h3", { text: say("plot_enforcement") }),
    make("p", { class: "chips" }, make("span", { class: `chip${late ? " is-late" : ""}`, text: pick(enforcement.text) }), clock ? make("span", { class: "muted", text: say("plot_window", { date: writeDate(clock.due_at) }) }) : null),
    late ? make("p", { class: "late", text: say("window_late") }) : null,
    clock ? make("p", { class: "muted", text: [pick(clock.basis), clock.verified ? "" : say("clock_unverified"), pick(clock.caution)].filter(Boolean).join(";") }) : null,
    make("ol", { class: "steps" }, ...rows),
    records ? make("div", { class: "act-buttons" }, ...next.enforcement.map((step) => button(word("enforcement", step), () => openEnforced(office, plot, step, done), "", { "data-enforce": step }))) : null);
}

const today = () => writeDate(serverTime());
const dateField = () => ({ name: "on", label: say("plot_done_on"), kind: "date", value: today(), max: today(), needed: true });
const documentField = (needed) => ({ name: "document", label: say("duty_document"), needed });

function renderActs(office, { plot, routes, next }, done) {
  const stage = next.stages[0];
  const words = stage && routes[plot.route].find((one) => one.key === stage);
  return make("section", { class: "acts" }, make("div", { class: "act-buttons" },
    stage ? button(say("plot_advance", { what: pick(words.text) }), () => openStage(office, plot, words, done), "primary", { "data-advance": stage }) : null,
    next.routes.length ? button(say(plot.route ? "plot_change" : "plot_choose"), () => openRoute(office, plot, next.routes, done), plot.route ? "" : "primary", { "data-open": "route" }) : null));
}

function openRoute(office, plot, routes, done) {
  openRecord({ office, done, title: say(plot.route ? "plot_change" : "plot_choose"), type: "plot_route_chosen", text: plot.route ? say("plot_change_hint") : "", fields: [
    { name: "route", label: say("plot_route"), kind: "select", options: routes.map((key) => [key, word("plot_route", key)]), value: routes[0], needed: true },
    dateField(), documentField(false), { name: "note", label: say("duty_note"), kind: "long" },
  ], prepare: (payload) => ({ payload, asset: plot.id }) });
}

const AREA_LABELS = { area_m2: "plot_area_mu", cultivated_m2: "plot_cultivated_mu", basic_farmland_m2: "plot_farmland_mu" };
const toMu = (m2) => (m2 === null || m2 === undefined ? "" : Math.round((m2 / MU_M2) * 1e4) / 1e4);

function areaFields(side, known) {
  return [{ kind: "head", label: say(`plot_${side}`) }, ...PARTS.map((name) => ({ name: `${side}.${name}`, label: say(AREA_LABELS[name]), kind: "number", value: toMu(known[name]) }))];
}

// Mu as they are typed, square metres as they are kept.
function takeAreas(given) {
  const payload = {};
  for (const [name, value] of Object.entries(given)) {
    const [side, part] = name.split(".");
    if (part) (payload[side] ??= {})[part] = Math.round(value * MU_M2 * 100) / 100;
    else payload[name] = value;
  }
  return payload;
}

function openStage(office, plot, stage, done) {
  const known = { area_m2: plot.plot_area_m2, cultivated_m2: plot.cultivated_m2, basic_farmland_m2: plot.basic_farmland_m2 };
  const areas = stage.key === "filed" ? areaFields("before", known) : stage.key === "closed" ? [...areaFields("before", known), ...areaFields("after", {})] : [];
  openRecord({ office, done, title: say("plot_advance", { what: pick(stage.text) }), type: "plot_advanced", fields: [
    dateField(), documentField(stage.needs_document), ...areas, { name: "note", label: say("duty_note"), kind: "long" },
  ], prepare: (given) => ({ payload: { stage: stage.key, ...takeAreas(given) }, asset: plot.id }) });
}

function openEnforced(office, plot, step, done) {
  openRecord({ office, done, title: word("enforcement", step), type: "plot_enforced", fields: [dateField(), documentField(false), { name: "note", label: say("duty_note"), kind: "long" }],
    prepare: (given) => ({ payload: { step, ...given }, asset: plot.id }) });
}

const nameStep = (step) => ({ route: word("plot_route", step.step), enforce: word("enforcement", step.step) })[step.chain] ?? word("plot_stage", step.step);

function renderRecords(office, { plot, steps }, records, done) {
  if (!steps.length) return null;
  const rows = steps.map((step) => make("li", { class: step.withdrawn_because ? "is-cancelled" : "" }, make("time", { class: "muted", text: step.done_on }), make("strong", { text: nameStep(step) }),
    make("span", { text: [step.document, step.note].filter(Boolean).join(" · ") }),
    make("span", { class: "muted line", text: say("plot_by", { who: personName(office.start, step.actor), when: writeMoment(step.recorded_at) }) }),
    step.withdrawn_because ? make("span", { class: "late line", text: say("plot_withdrawn", { why: step.withdrawn_because }) }) : null));
  const last = steps.filter((one) => !one.withdrawn_because).at(-1);
  const withdraw = () => openRecord({ office, done, title: `${say("plot_withdraw")}:${nameStep(last)}`, type: "plot_step_withdrawn", fields: [{ name: "reason", label: say("duty_reason"), kind: "long", needed: true }], prepare: (given) => ({ payload: { step: last.id, ...given }, asset: plot.id }) });
  return make("section", { class: "panel" }, make("h3", { text: say("plot_history") }), make("ol", { class: "steps" }, ...rows), records && last ? button(say("plot_withdraw"), withdraw, "quiet") : null);
}
