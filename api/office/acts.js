// What each step asks for. Which steps there are for whom is the server's word, not this table's.
// photos: the kinds to choose from, the first is preset; needed: without it the server refuses.

import { PLAN_FIELDS } from "./vocabulary.js";

// Words or a file of one of these kinds; else the name of what is missing.
const lacking = (given, missing, words, ...kinds) => (given[words] || given.photos.some((one) => kinds.includes(one.kind)) ? [] : [missing]);

export const ACTS = {
  registered: { tone: "primary", fields: ["severity", "section", "assigned_to", "supervision_listed", "use_suspended", "note"] },
  notified: { tone: "primary", fields: ["document", "due_on", "duty_holder", "refused_reason", "use_suspended", "note"], photos: ["signature", "refusal", "notice"], needs: (given) => [...lacking(given, "document", "document", "notice"), ...lacking(given, "signature", "refused_reason", "signature", "refusal")] },
  plan_filed: { tone: "primary", fields: [...Object.keys(PLAN_FIELDS), "note"], needed: Object.keys(PLAN_FIELDS), photos: ["document"], text: "plan_text" },
  rectifying: { tone: "primary", fields: ["duty_holder", "note"], photos: ["interim"] },
  submitted: { tone: "primary", fields: ["fixed_on", "note"], photos: ["after"], photoNeeded: true },
  passed: { tone: "primary", fields: ["note"], photos: ["reinspection"], photoNeeded: true },
  closed: { tone: "primary", fields: ["note"], text: "close_text" },
  fixed_on_spot: { fields: ["team", "refused_reason", "note"], needed: ["team"], photos: ["after", "signature", "refusal"], photoNeeded: true },
  returned: { tone: "danger", fields: ["reason"], needed: ["reason"], photos: ["reinspection"], photoNeeded: true },
  extended: { fields: ["due_on", "reason", "requested_by", "interim_control"], needed: ["due_on", "reason"], photos: ["request", "measures"], needs: (given) => lacking(given, "requested_by", "requested_by", "request") },
  deferred: { fields: ["review_on", "reason"], needed: ["review_on", "reason"] },
  controlled: { fields: ["note"], photos: ["interim"], photoNeeded: true },
  transferred: { fields: ["to", "document", "note"], needed: ["to"], photos: ["receipt"], needs: (given) => lacking(given, "document", "document", "receipt") },
  duplicate: { fields: ["survivor", "note"], needed: ["survivor"] },
  dismissed: { tone: "danger", fields: ["reason"], needed: ["reason"] },
  commented: { tone: "quiet", fields: ["note"], needed: ["note"], photos: ["other"] },
};

// A plan that is amended presses nobody.
export const toneOf = (event, hazard) => (event === "plan_filed" && hazard.plan_filed_at ? "" : ACTS[event].tone ?? "");

const ORDER = Object.keys(ACTS);
export const orderActs = (allowed) => ORDER.filter((event) => allowed.includes(event));

// A day of the business clock as the moment it ends.
const endOfDay = (day) => `${day}T23:59:59+08:00`;

// From what was entered to the payload of the record; what was left empty says nothing, but a tick
// that was taken away from the hazard does.
export function makePayload(event, given, hazard = {}) {
  const payload = {};
  for (const name of ACTS[event].fields) {
    const value = given[name];
    if (value === undefined || value === "" || (value === false && !hazard[name])) continue;
    if (name === "due_on") payload.due_at = endOfDay(value);
    else if (name === "fixed_on") payload.fixed_at = `${value}T12:00:00+08:00`;
    else if (name === "team") payload.team = value.split(/[,,、;;\s]+/).filter(Boolean);
    else payload[name] = value;
  }
  return payload;
}

// The names of all that is missing.
export function findMissing(event, given) {
  const act = ACTS[event];
  const missing = (act.needed ?? []).filter((name) => !given[name]);
  if (missing.length) return missing;
  if (act.photoNeeded && !given.photos.length) return ["photo"];
  return act.needs?.(given) ?? [];
}
