// Fixed before the eyes of the team: the photo after, the unit's signature or its refusal.

import { forgetPhoto, keepDraft, keepPhoto, keepSoon } from "./draft.js";
import { make } from "./dom.js";
import { openDraft } from "./hazard.js";
import { keepHazard } from "./keep.js";
import { photoTile } from "./photos.js";
import { signaturePad } from "./signature.js";
import { button, field, segments, toast } from "./ui.js";
import { say } from "./words.js";

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
