// The plan of a major hazard as it stands, and the clocks that run: which limit, until when, met or not.

import { make } from "./dom.js";
import { latenessMark, word, writeDate, writeMoment } from "./parts.js";
import { PLAN_FIELDS } from "./vocabulary.js";
import { pick, say } from "./words.js";

// The name of a field of the plan, as a label.
export function planWord(name) {
  const text = pick(PLAN_FIELDS[name]);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const planRecords = (timeline) => timeline.filter((record) => record.type === "plan_filed" && record.outcome === "applied");

// The newest version, and what the form begins with when it is amended.
export const lastPlan = (timeline) => planRecords(timeline).at(-1)?.payload ?? null;

// By record: which version of the plan it is.
export const numberPlans = (timeline) => new Map(planRecords(timeline).map((record, at) => [record.id, at + 1]));

export function renderPlan(hazard, timeline) {
  const clock = hazard.clocks.find((one) => one.key === "plan");
  const plan = lastPlan(timeline);
  if (!plan && !clock) return null;
  return make("section", { class: "case-plan" }, make("h3", { text: say("plan") }), plan ? renderFields(plan, hazard) : null, clock && !clock.stopped_at ? renderMissing(clock, hazard) : null);
}

function renderFields(plan, hazard) {
  const later = hazard.due_at && plan.deadline > writeDate(hazard.due_at);
  return make("div", { class: "plan" },
    make("p", { class: "muted", text: [say("plan_version", { n: hazard.plan_version }), hazard.plan_filed_at && say("plan_filed_at", { when: writeMoment(hazard.plan_filed_at) })].filter(Boolean).join(" · ") }),
    make("dl", { class: "facts" }, ...Object.keys(PLAN_FIELDS).flatMap((name) => [make("dt", { text: planWord(name) }), make("dd", { text: plan[name] ?? "" })])),
    later ? make("p", { class: "hint-line", text: say("plan_later", { plan: plan.deadline, due: writeDate(hazard.due_at) }) }) : null);
}

function renderMissing(clock, hazard) {
  const again = hazard.plan_version > 0;
  return make("p", { class: "hint-line" }, make("span", { text: say(again ? "plan_again" : "plan_none", { date: writeDate(clock.due_at) }) }), " ", hazard.is_open ? latenessMark(clock.due_at, true) : null);
}

export function renderClocks(hazard) {
  const rows = hazard.clocks.filter((one) => one.due_at);
  if (!rows.length) return null;
  return make("section", { class: "case-clocks" }, make("h3", { text: say("clocks") }),
    make("ul", { class: "clocks" }, ...rows.map((one) => renderClock(one, hazard.is_open))));
}

function renderClock(one, isOpen) {
  const notes = [one.verified ? "" : say("clock_unverified"), pick(one.caution)].filter(Boolean).join(";");
  return make("li", {},
    make("span", { class: "clock-name" }, make("span", { text: pick(one.text) }), make("span", { class: "muted clock-basis", text: pick(one.basis), title: notes })),
    make("span", { class: "muted", text: say("due", { date: writeMoment(one.due_at) }) }),
    renderState(one, isOpen));
}

function renderState(one, isOpen) {
  if (!one.stopped_at) return latenessMark(one.due_at, isOpen) ?? make("span", { class: "muted", text: isOpen ? "" : "—" });
  const late = Date.parse(one.stopped_at) > Date.parse(one.due_at);
  return make("span", { class: late ? "late" : "good", text: say(late ? "clock_late" : "clock_met", { when: writeMoment(one.stopped_at) }) });
}

export const stageWords = (payload) => say("stage_to", { stage: word("stage", payload.stage), who: word("recipient", payload.recipient) });
