// What happens with a hazard: fixed before the eyes of the team, or ordered by a date.

import { findItem, forgetPhoto, keepDraft, keepPhoto, keepSoon } from "./draft.js";
import { make } from "./dom.js";
import { openDraft } from "./hazard.js";
import { photoTile } from "./photos.js";
import { saveHazard } from "./record.js";
import { signaturePad } from "./signature.js";
import { button, field, segments, toast } from "./ui.js";
import { formatDate, pick, say } from "./words.js";

const DAY_MS = 86_400_000;
// What the office usually sets; the law of the case and the notice decide in the end.
const USUAL_DAYS = { major: 3, general_a: 7, general_b: 15, minor: 15 };
const OFFERED_DAYS = [3, 7, 15, 30];

export async function showFix(app, [id, hazardId]) {
  const { draft, finding } = await openDraft(app, id, hazardId);
  if (!finding) return null;
  const proof = make("div", { class: "stack" });
  const fill = async () => proof.replaceChildren(...(finding.refuses ? refusalFields(app, draft, finding) : await signatureFields(app, draft, finding)));
  await fill();
  const how = segments(say("signature_of"), [[false, say("signed")], [true, say("refused")]], finding.refuses, (refuses) => {
    finding.refuses = refuses;
    keepDraft(app, draft);
    fill();
  });
  const save = button(say("save_hazard"), (event) => saveFixed(app, draft, finding, event.currentTarget), { kind: "primary", glyph: "check" });
  const tile = photoTile(app, draft, finding.photos, "after");
  tile.classList.add("wide");
  return { title: say("fix_title"), back: `hazard/${draft.id}/${finding.hazard_id}`, body: [make("div", { class: "tiles one" }, tile), how, proof], foot: [save] };
}

async function signatureFields(app, draft, finding) {
  const kept = finding.signature && (await app.db.get("blobs", finding.signature.sha256));
  const pad = signaturePad({
    blob: kept?.bytes ?? null,
    track: (picture) => (app.busy = picture),
    onsigned: async (picture) => {
      const old = finding.signature;
      if (picture && !(await keepPhoto(app, draft, picture))) return;
      finding.signature = picture && { sha256: picture.sha256, kind: "signature", media: picture.media, bytes: picture.bytes.size, taken_at: new Date().toISOString() };
      await keepDraft(app, draft);
      if (old && old.sha256 !== picture?.sha256) await forgetPhoto(app, draft, old.sha256);
    },
  });
  const signer = field(say("signer_optional"), { value: finding.signer, maxlength: "60", oninput: (value) => {
    finding.signer = value;
    keepSoon(app, draft);
  } });
  return [pad, signer];
}

function refusalFields(app, draft, finding) {
  return [
    field(say("refusal_reason"), { tag: "textarea", rows: "3", maxlength: "1000", value: finding.refused_reason, oninput: (value) => {
      finding.refused_reason = value;
      keepSoon(app, draft);
    } }),
  ];
}

async function saveFixed(app, draft, finding, save) {
  await app.busy;
  if (!finding.photos.some((photo) => photo.kind === "after")) return toast(say("photo_needed", { names: say("photo_after") }), "bad");
  if (draft.team.length < 2) return toast(say("team_needed"), "bad");
  const proven = finding.refuses ? finding.refused_reason.trim() : finding.signature;
  if (!proven) return toast(say("signature_needed"), "bad");
  return keepHazard(app, draft, finding, { fixed: true }, save);
}

export async function showOrder(app, [id, hazardId]) {
  const { draft, finding } = await openDraft(app, id, hazardId);
  if (!finding) return null;
  const item = findItem(app, draft, finding.item);
  finding.due_on ??= inDays(USUAL_DAYS[item?.severity] ?? USUAL_DAYS.general_b);
  const date = field(say("due_on"), { type: "date", value: finding.due_on, min: inDays(0), oninput: (value) => choose(value) });
  const choose = (value) => {
    finding.due_on = value || null;
    keepDraft(app, draft);
  };
  const quick = segments(say("due_on"), OFFERED_DAYS.map((n) => [inDays(n), say("in_days", { n })]), finding.due_on, (value) => {
    date.querySelector("input").value = value;
    choose(value);
  });
  const save = button(say("save_hazard"), (event) => {
    if (!finding.due_on) return toast(say("due_on"), "bad");
    return keepHazard(app, draft, finding, { due_on: finding.due_on }, event.currentTarget);
  }, { kind: "primary", glyph: "check" });
  const what = make("p", { class: "lead", text: item ? pick(item.text) : finding.description || say("other_hazard") });
  const limit = pick(item?.deadline) ? make("p", { class: "soft", text: say("limit", { words: pick(item.deadline) }) }) : null;
  return { title: say("order_title"), back: `hazard/${draft.id}/${finding.hazard_id}`, body: [what, ...(limit ? [limit] : []), quick, date], foot: [save] };
}

const inDays = (days) => formatDate(Date.now() + days * DAY_MS);

async function keepHazard(app, draft, finding, decision, save) {
  save.disabled = true;
  try {
    const code = await saveHazard(app, draft, finding, decision);
    if (!code) return;
    toast(`${say("hazard_saved", { code })} · ${say("saved_waiting")}`, "good");
    app.go(`visit/${draft.id}`, { replace: true });
  } finally {
    save.disabled = false;
  }
}
