// Call-outs: what is open with the steps one may take now, and what ended.

import { serverTime } from "./clock.js";
import { make } from "./dom.js";
import { openStep, takesForm } from "./duty_forms.js";
import { button, townshipName, word, writeMoment, writeTime } from "./parts.js";
import { recordNow } from "./record_form.js";
import { say } from "./words.js";

// What may come next: arrived once, then depths and actions until the water is gone.
function nextSteps(one) {
  const seen = one.steps.length > 0;
  return [one.arrived_at ? null : "team_arrived", "water_measured", "action_taken", "water_gone", seen ? null : "call_out_cancelled"].filter(Boolean);
}

const nameOf = (one) => one.point?.name || one.point?.code || "";

export function renderOpen(office, one, done) {
  const records = office.may("record_event");
  const late = !one.arrived_at && Date.parse(one.arrival_due_at) < serverTime();
  const began = one.arrived_at ? null : make("p", { class: late ? "late" : "near", text: late ? `${say("duty_arrive_by", { when: writeTime(one.arrival_due_at) })} · ${say("duty_arrive_late")}` : say("duty_arrive_by", { when: writeTime(one.arrival_due_at) }) });
  return make("article", { class: "panel call-out", "data-call-out": one.id },
    make("header", {}, make("div", {}, make("h3", { text: nameOf(one) }), make("p", { class: "muted", text: [one.point?.code, townshipName(office.start, one.point?.township), one.team, one.warning && word("warning", one.warning)].filter(Boolean).join(" · ") })),
      one.deepest_m !== null ? make("strong", { class: "depth", text: say("duty_deepest", { m: one.deepest_m }) }) : null),
    began, renderSteps(one),
    records ? make("div", { class: "act-buttons" }, ...nextSteps(one).map((type) => stepButton(office, one, type, done))) : null);
}

function stepButton(office, one, type, done) {
  const title = say(`step_${type}`);
  const kind = type === "call_out_cancelled" ? "quiet" : type === "team_arrived" || (one.arrived_at && type === "water_gone") ? "primary" : "";
  const work = () => (takesForm(type) ? openStep(office, one, type, done) : recordNow(office, { type, title, payload: { call_out: one.id }, asset: one.asset_id, done }));
  return button(title, work, kind, { "data-step": type });
}

function renderSteps(one) {
  const line = (at, what, more) => make("li", {}, make("time", { class: "muted", text: writeMoment(at) }), make("strong", { text: what }), more ? make("span", { text: more }) : null);
  const rows = one.steps.map((step) => line(step.at, word("record", step.step), step.depth_m !== null ? `${step.depth_m} m` : step.words));
  return make("ol", { class: "steps" }, line(one.called_at, say("duty_called"), one.team), ...rows);
}

export function renderEnded(calls) {
  if (!calls.length) return null;
  const heads = ["duty_point", "duty_team", "duty_called", "duty_arrived", "duty_depth", "duty_gone"];
  const rows = calls.map((one) => make("tr", { "data-ended": one.id },
    make("th", { scope: "row", text: nameOf(one) }), make("td", { text: one.team }), make("td", { text: writeMoment(one.called_at) }),
    make("td", {}, make("span", { text: writeMoment(one.arrived_at) }), one.arrived_at > one.arrival_due_at ? make("span", { class: "late line", text: say("duty_arrive_late") }) : null),
    make("td", { class: "number", text: one.deepest_m ?? "" }),
    make("td", { text: one.cancelled_at ? word("record", "call_out_cancelled") : writeMoment(one.water_gone_at) })));
  return make("details", { class: "panel" }, make("summary", { text: say("duty_calls_done", { n: calls.length }) }),
    make("div", { class: "scroll" }, make("table", {}, make("thead", {}, make("tr", {}, ...heads.map((key) => make("th", { scope: "col", text: say(key) })))), make("tbody", {}, ...rows))));
}
