// One hazard: what fails, two photos, a word, the place; then what happens with it.

import { findForm, findItem, keepDraft, keepSoon, forgetPhoto, readDraft } from "./draft.js";
import { make } from "./dom.js";
import { findSame } from "./known.js";
import { photoTile } from "./photos.js";
import { positionLine } from "./place.js";
import { chooseFix, makeCode } from "./record.js";
import { button, card, factLine, field, severityBadge, toast } from "./ui.js";
import { pick, say } from "./words.js";

export const KINDS_BEFORE = ["before_wide", "before_close"];

export async function openDraft(app, id, hazardId) {
  const draft = await readDraft(app, id);
  const finding = draft?.findings?.find((one) => one.hazard_id === hazardId);
  if (finding) return { draft, finding };
  app.go(draft ? `visit/${id}` : "today", { replace: true });
  return {};
}

export async function showHazard(app, [id, hazardId]) {
  const { draft, finding } = await openDraft(app, id, hazardId);
  if (!finding) return null;
  app.positioning.start();
  const item = findItem(app, draft, finding.item);
  const same = finding.anyway ? null : await findSame(app, draft.asset?.id, finding.item);
  const line = positionLine(app, { target: finding, asset: draft.asset, onchange: () => keepDraft(app, draft) });
  const tiles = KINDS_BEFORE.map((kind) => photoTile(app, draft, finding.photos, kind));
  const body = [
    hazardHead(finding, item),
    ...(same ? [sameCard(app, draft, finding, same)] : []),
    make("div", { class: "tiles" }, ...tiles),
    field(say("description"), { tag: "textarea", rows: "2", maxlength: "2000", value: finding.description, placeholder: say("description_hint"), oninput: (value) => {
      finding.description = value;
      keepSoon(app, draft);
    } }),
    line.element,
  ];
  const go = (where) => goOn(app, draft, finding, where);
  const foot = [button(say("fixed_now"), () => go("fix"), { kind: "primary", glyph: "check" }), button(say("order_by_date"), () => go("order"), { kind: "primary amber", glyph: "clock" })];
  return { title: item ? pick(item.text) : say("other_hazard"), back: `visit/${draft.id}`, body, foot, leave: line.stop };
}

function hazardHead(finding, item) {
  const how = item ? say("severity_from_item") : say("severity_by_office");
  const code = makeCode(finding.hazard_id, Date.now());
  const limits = [code, pick(item?.deadline) && say("limit", { words: pick(item.deadline) }), item?.control_hours ? say("control", { n: item.control_hours }) : null];
  return make("div", { class: "badges head-badges" }, item ? severityBadge(item.severity) : null, make("span", { class: "soft small", text: how }), factLine(limits, "code"));
}

// Asked of what the phone holds, so it is asked without a signal too.
function sameCard(app, draft, finding, same) {
  const add = button(say("add_to_it"), async () => {
    for (const photo of finding.photos) await forgetPhoto(app, draft, photo.sha256);
    draft.findings = draft.findings.filter((one) => one !== finding);
    await keepDraft(app, draft);
    app.go(`case/${same.id}/commented/${draft.id}`, { replace: true });
  }, { kind: "primary", glyph: "add" });
  const anyway = button(say("record_anyway"), async () => {
    finding.anyway = true;
    await keepDraft(app, draft);
    app.draw();
  }, { kind: "quiet" });
  return card({ kind: "warn", label: say("same_open") }, make("h2", { text: say("same_open") }), make("p", { text: say("same_open_text", { code: same.code ?? "" }) }), add, anyway);
}

async function goOn(app, draft, finding, where) {
  await app.busy;
  const needed = KINDS_BEFORE.slice(0, findForm(app, draft)?.needs?.photos ?? KINDS_BEFORE.length);
  const lacking = needed.filter((kind) => !finding.photos.some((photo) => photo.kind === kind));
  if (lacking.length) return toast(say("photo_needed", { names: lacking.map((kind) => say(`photo_${kind}`)).join(say("separator")) }), "bad");
  if (!chooseFix(app, { place: finding.place, asset: draft.asset, choice: draft.asset_choice })) return toast(say("place_needed"), "bad");
  await keepDraft(app, draft);
  return app.go(`${where}/${draft.id}/${finding.hazard_id}`);
}
