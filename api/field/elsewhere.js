// A label that is none of today's: what the office knows of the place, and a finding recorded there.

import { readLabelId, shownCode } from "./codes.js";
import { startVisit } from "./draft.js";
import { make } from "./dom.js";
import { badge, button, card, categoryWord, factLine, severityBadge, stateWord } from "./ui.js";
import { hazardName } from "./visit.js";
import { say } from "./words.js";

const PATIENCE_MS = 8000;
const LONGEST_CODE = 64;

export function elsewhereCard(app, text) {
  const code = shownCode(text).slice(0, LONGEST_CODE);
  const id = readLabelId(text);
  const known = make("div", { class: "stack", role: "status" });
  if (id) fillKnown(app, id, known);
  else known.append(make("p", { class: "soft", text: say("elsewhere_typed") }));
  const begin = (category) => startVisit(app, { asset: id ? { id, code: null, name: null } : null, choice: "scan", category, scanned: code });
  const keys = app.day.forms.length ? app.day.forms.map((form) => form.key) : ["gas", "flood", "village_fire", "road"];
  const choices = [...new Set([...keys, "other"])].map((key) => button(categoryWord(key), () => begin(key), { kind: "choice" }));
  return card({ kind: "warn elsewhere", label: say("elsewhere") }, make("h2", { text: say("elsewhere") }), make("p", { class: "lead", text: code }), known, make("p", { text: say("elsewhere_record") }), make("div", { class: "choices" }, ...choices));
}

async function fillKnown(app, id, place) {
  place.replaceChildren(make("p", { class: "soft", text: say("elsewhere_asking") }));
  const hazards = await askOpen(app, id).catch(() => null);
  if (!hazards) return place.replaceChildren(make("p", { class: "soft", text: say("elsewhere_offline") }));
  if (!hazards.length) return place.replaceChildren(make("p", { class: "soft", text: say("elsewhere_none") }));
  return place.replaceChildren(make("h3", { text: say("open_hazards_here") }), ...hazards.map((hazard) => openRow(app, hazard)));
}

async function askOpen(app, id) {
  const response = await fetch(`/assets/${id}/open-hazards`, {
    cache: "no-store",
    credentials: "omit",
    signal: AbortSignal.timeout?.(PATIENCE_MS),
    headers: { Authorization: `Bearer ${app.account.token}` },
  });
  if (!response.ok) throw new TypeError(`the server answered ${response.status}`);
  return response.json();
}

function openRow(app, hazard) {
  return make("div", { class: "open-row" }, make("div", { class: "card-text" },
    make("strong", { text: hazardName(app, hazard) }),
    make("span", { class: "badges" }, severityBadge(hazard.severity), badge(stateWord(hazard.state), "plain"), factLine([hazard.code]))));
}
