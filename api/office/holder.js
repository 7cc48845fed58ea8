// The duty holder's page: one hazard by a link, its photos, and the steps that are theirs. The
// link's token is in the fragment, which no browser sends, and stays in this tab's memory.

import { orderActs, toneOf } from "./acts.js";
import { nameAct, openAct } from "./act_form.js";
import { ask, useToken } from "./ask.js";
import { setClock } from "./clock.js";
import { byId, make } from "./dom.js";
import { button, latenessMark, severityMark, stateChip, titleOf, writeMoment } from "./parts.js";
import { renderPhotos } from "./photos.js";
import { lastPlan, renderPlan } from "./plan.js";
import { renderTimeline } from "./timeline.js";
import { readLanguage, say, switchLanguage } from "./words.js";

const THEIRS = ["plan_filed", "rectifying", "submitted", "controlled", "commented"];

const [hazardId, token] = location.hash.slice(1).split("/");
const start = { person: { id: hazardId, login: "", name: "", section: null, capacities: ["duty_holder"] }, people: [], sections: [], townships: [], may: ["read_evidence"] };
const office = { start, may: (action) => start.may.includes(action) };

function tell(key) {
  byId("main").replaceChildren(make("p", { class: "empty", text: say(key) }));
}

async function show() {
  byId("brand").textContent = say("holder_title");
  document.title = say("holder_title");
  byId("account").replaceChildren(button(say("other_language"), () => (switchLanguage(), show()), "quiet", { id: "language" }));
  if (!hazardId || !token) return tell("holder_no_link");
  useToken(token);
  try {
    const [one, timeline] = await Promise.all([ask(`/hazards/${hazardId}`), ask(`/hazards/${hazardId}/timeline`)]);
    render(one, timeline);
  } catch (error) {
    if ([401, 403, 404].includes(error.status)) return tell("holder_over");
    byId("main").replaceChildren(make("p", { class: "empty late", text: say("failed", { why: error.message }) }), button(say("retry"), show, "primary"));
  }
  return undefined;
}

function render({ hazard, allowed }, timeline) {
  hazard.plan = lastPlan(timeline);
  const steps = orderActs((allowed[hazard.state] ?? []).filter((event) => THEIRS.includes(event)));
  const waits = hazard.state === "submitted" ? "holder_waits" : steps.length ? null : "holder_nothing";
  byId("main").replaceChildren(make("article", { class: "case" },
    make("header", { class: "case-head" },
      make("p", { class: "case-code muted", text: hazard.code }),
      make("h2", { text: titleOf(hazard) }),
      make("p", { class: "chips" }, severityMark(hazard.severity), stateChip(hazard.state), latenessMark(hazard.due_at, hazard.is_open)),
      make("p", { class: "case-dates", text: hazard.due_at ? say("due", { date: writeMoment(hazard.due_at) }) : say("no_due") }),
      hazard.description ? make("p", { text: hazard.description }) : null),
    waits ? make("p", { class: "note", text: say(waits) }) : null,
    make("section", { class: "acts" }, make("div", { class: "act-buttons" },
      ...steps.map((event) => button(nameAct(event, hazard), () => openAct({ office, hazard, event, done: show }), toneOf(event, hazard), { "data-act": event })))),
    renderPlan(hazard, timeline),
    renderPhotos(timeline, true),
    renderTimeline(timeline, start)));
}

readLanguage();
setClock(new Date().toISOString());
show();
