// What happened to a case, newest first: also what waits and what was refused, with the reason.

import { make } from "./dom.js";
import { personName, word, writeDate, writeItem, writeMoment } from "./parts.js";
import { numberPlans, planWord } from "./plan.js";
import { PLAN_FIELDS } from "./vocabulary.js";
import { pick, say } from "./words.js";

const SKEW_MS = 300000;

// The members of payloads a person reads, in words; the rest is in facts elsewhere.
const SHOWN = {
  note: ["f_note"], reason: ["f_reason"], description: ["f_note"], document: ["f_document"],
  survivor: ["f_survivor"], duty_holder: ["duty_holder"], section: ["section"], refused_reason: ["f_refused_reason"],
  assigned_to: ["assigned", (value, start) => personName(start, value)],
  severity: ["severity", (value) => word("severity", value)],
  item: ["item", writeItem],
  ...Object.fromEntries(Object.keys(PLAN_FIELDS).map((name) => [name, [() => planWord(name)]])),
  stage: ["stage", (value) => word("stage", value)], recipient: ["stage_for", (value) => word("recipient", value)],
  to: ["f_to", (value, start) => (Array.isArray(value) ? value.map((login) => personName(start, login)).join(say("separator")) : value)],
  copies: ["stage_copies", (value, start) => value.map((login) => personName(start, login)).join(say("separator"))],
  scanned_code: ["f_scanned_code"], order_due_on: ["f_order_due_on", writeDate], order_reason: ["f_order_reason"], signed_by: ["f_signed_by"],
  due_at: ["f_due_on", writeMoment], review_on: ["f_review_on", writeDate], fixed_at: ["f_fixed_on", writeMoment],
  supervision_listed: ["f_supervision_listed", (value) => say(value ? "yes" : "no")],
  use_suspended: ["f_use_suspended", (value) => say(value ? "yes" : "no")],
};

export function renderTimeline(timeline, start) {
  const records = [...timeline].reverse();
  const versions = numberPlans(timeline);
  return make("section", { class: "case-timeline" }, make("h3", { text: say("timeline") }), make("ol", { class: "timeline" }, ...records.map((record) => renderRecord(record, start, versions.get(record.id)))));
}

function renderRecord(record, start, version) {
  const role = word("role", record.role);
  return make("li", { class: `is-${record.outcome}` },
    make("p", { class: "record-head" },
      make("strong", { text: word("event", record.type) }),
      version ? make("span", { class: "chip", text: say("plan_version", { n: version }) }) : null,
      record.outcome === "applied" ? null : make("span", { class: `chip is-${record.outcome}`, text: say(record.outcome) }),
      make("span", { class: "muted", text: [personName(start, record.actor), role].filter(Boolean).join(" · ") }),
      make("time", { class: "muted", datetime: record.at, text: writeMoment(record.at) })),
    record.reason ? make("p", { class: "record-reason", text: pick(record.reason) }) : null,
    renderPayload(record.payload ?? {}, start),
    renderCaution(record),
    renderMeasures(record));
}

// What the server noted of a date when it took the record in; a notice's own date stands by itself.
export const cautionOf = (record) => (record.type === "notified" && record.payload?.due_at ? "" : pick(record.caution));

function renderCaution(record) {
  const text = cautionOf(record);
  return text ? make("p", { class: "note caution", text }) : null;
}

function renderPayload(payload, start) {
  const lines = Object.entries(SHOWN).filter(([name]) => payload[name] !== undefined && payload[name] !== null && payload[name] !== "");
  if (!lines.length) return null;
  return make("p", { class: "record-facts" }, ...lines.map(([name, [key, write]]) =>
    make("span", {}, make("span", { class: "muted", text: `${typeof key === "function" ? key() : say(key)} ` }), make("span", { text: write ? write(payload[name], start) : String(payload[name]) }))));
}

function renderMeasures(record) {
  const parts = [];
  if (Math.abs(record.skew_ms ?? 0) > SKEW_MS) parts.push(say("clock_off", { n: Math.round(record.skew_ms / 60000) }));
  if (record.accuracy_m && record.fix_source === "gnss") parts.push(say("accuracy", { n: Math.round(record.accuracy_m) }));
  const kinds = (record.evidence ?? []).filter((note) => !note.of).map((note) => word("evidence", note.kind));
  if (kinds.length) parts.push(kinds.join(say("separator")));
  return parts.length ? make("p", { class: "muted record-measures", text: parts.join(" · ") }) : null;
}
