// The open hazards this person has to do with.

import { make } from "./dom.js";
import { listHazards } from "./known.js";
import { ACTS } from "./acts.js";
import { badge, card, factLine, icon, severityBadge, stateWord } from "./ui.js";
import { hazardName } from "./visit.js";
import { formatDate, say } from "./words.js";

const DAY_MS = 86_400_000;

export async function showCases(app) {
  const hazards = (await listHazards(app)).sort(byDue);
  const mine = hazards.filter(canAct);
  const others = hazards.filter((hazard) => !canAct(hazard));
  const body = [];
  if (!hazards.length) body.push(make("div", { class: "empty" }, icon("check"), make("p", { text: say("cases_none") })));
  if (mine.length) body.push(make("h2", { text: `${say("cases_mine")} ${mine.length}` }), ...mine.map((one) => caseCard(app, one)));
  if (others.length) body.push(make("h2", { text: `${say("cases_other")} ${others.length}` }), ...others.map((one) => caseCard(app, one)));
  return { title: say("cases_title"), tabs: true, body };
}

// Adding a comment is open to everybody and no reason to put a hazard on top.
const canAct = (hazard) => (hazard.allowed ?? []).some((type) => type !== "commented" && ACTS[type]);
const byDue = (a, b) => String(a.due_at ?? "9").localeCompare(String(b.due_at ?? "9"));

function caseCard(app, hazard) {
  const asset = app.day.assets.find((one) => one.id === hazard.asset_id);
  return card(
    { kind: `task edge-${/^\w+$/.test(hazard.severity) ? hazard.severity : "none"}`, onclick: () => app.go(`case/${hazard.id}`) },
    make(
      "span",
      { class: "card-text" },
      make("strong", { text: hazardName(app, hazard) }),
      factLine([asset?.name ?? asset?.code, hazard.code]),
      make("span", { class: "badges" }, severityBadge(hazard.severity), badge(stateWord(hazard.state), "plain"), dueBadge(app, hazard), hazard.local ? badge(say(`just_${hazard.local}`), "good") : null),
    ),
    icon("next"),
  );
}

// By the server's clock as of the last contact: the phone's own may be off by years.
export function dueBadge(app, hazard) {
  if (!hazard.due_at) return null;
  const late = Math.floor((Date.now() + (app.day.clock_ms ?? 0) - Date.parse(hazard.due_at)) / DAY_MS);
  return late >= 0 ? badge(say("late", { n: Math.max(1, late) }), "late") : badge(say("due", { date: formatDate(hazard.due_at) }), "plain date");
}
