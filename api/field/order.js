// Ordered by a date: the rule's, an earlier one, or a later one with its reason.

import { findItem, keepDraft, keepSoon } from "./draft.js";
import { make } from "./dom.js";
import { openDraft } from "./hazard.js";
import { countLimit, findLimit, inDays } from "./limits.js";
import { keepHazard } from "./keep.js";
import { isSigned, makeSigning, unitSigns } from "./signing.js";
import { button, field, segments, severityWord, toast } from "./ui.js";
import { formatMoment, pick, say } from "./words.js";

const OFFERED_DAYS = [0, 1, 3, 7, 15, 30];
const MOST_OFFERED = 3;

export async function showOrder(app, [id, hazardId]) {
  const { draft, finding } = await openDraft(app, id, hazardId);
  if (!finding) return null;
  const item = findItem(app, draft, finding.item);
  const limit = findLimit(app, draft, finding);
  const last = countLimit(limit);
  const today = inDays(0);
  if (!finding.due_on || finding.due_on < today) finding.due_on = last?.day ?? null;
  const reason = reasonField(app, draft, finding);
  const date = field(say("due_on"), { type: "date", value: finding.due_on, min: today, oninput: (value) => choose(value) });
  const choose = (value) => {
    finding.due_on = value || null;
    reason.hidden = !isLate(finding, last);
    keepDraft(app, draft);
  };
  reason.hidden = !isLate(finding, last);
  const quick = segments(say("due_on"), listDays(last, today), finding.due_on, (value) => {
    date.querySelector("input").value = value;
    choose(value);
  });
  const save = button(say("save_hazard"), (event) => saveOrder(app, draft, finding, last, event.currentTarget), { kind: "primary", glyph: "check" });
  const what = make("p", { class: "lead", text: item ? pick(item.text) : finding.description || say("other_hazard") });
  const signing = unitSigns(app, draft) ? [await makeSigning(app, draft, finding)] : [];
  const body = [what, limitCard(limit, last, item), quick, date, reason, ...signing];
  return { title: say("order_title"), back: `hazard/${draft.id}/${finding.hazard_id}`, body, foot: [save] };
}

const isLate = (finding, last) => Boolean(last && finding.due_on && finding.due_on > last.day);

// Earlier days people say, and the rule's own: none beyond it.
function listDays(last, today) {
  const earlier = OFFERED_DAYS.map((n) => [inDays(n), n ? say("in_days", { n }) : say("today_word")]).filter(([day]) => !last || day < last.day);
  const shown = earlier.slice(-MOST_OFFERED);
  return last ? [...shown, [last.day, last.day === today ? say("today_word") : say("limit_day")]] : shown;
}

// The rule, whose it is, and by when it must be made safe meanwhile.
function limitCard({ rule, item: ruled, severity }, last, item) {
  if (!rule) return make("p", { class: "note warn", text: say("limit_unknown") });
  const until = last.at ? say("limit_until", { at: formatMoment(last.at) }) : last.day;
  const source = ruled ? [pick(ruled.source), ruled.mark === "unverified" ? say("unverified") : ""].filter(Boolean).join(" · ") : say("limit_of_severity", { severity: severityWord(severity) });
  const lines = [`${say("limit", { words: pick(rule) })} · ${until}`, say("limit_source", { source }), item?.control_hours ? say("control", { n: item.control_hours }) : ""];
  return make("div", { class: "stack limit" }, ...lines.filter(Boolean).map((text, at) => make("p", { class: at ? "soft" : "", text })));
}

function reasonField(app, draft, finding) {
  return field(say("order_reason"), { tag: "textarea", rows: "2", maxlength: "1000", value: finding.order_reason ?? "", hint: say("order_late"), oninput: (value) => {
    finding.order_reason = value;
    keepSoon(app, draft);
  } });
}

async function saveOrder(app, draft, finding, last, save) {
  await app.busy;
  if (!finding.due_on) return toast(say("due_on"), "bad");
  const late = isLate(finding, last);
  if (late && !finding.order_reason?.trim()) return toast(say("order_reason_needed"), "bad");
  if (unitSigns(app, draft) && !isSigned(finding)) return toast(say("signature_needed"), "bad");
  return keepHazard(app, draft, finding, { due_on: finding.due_on, order_reason: late ? finding.order_reason.trim() : null }, save);
}
