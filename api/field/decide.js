// Fixed before the eyes of the team: the photo after, the unit's signature or its refusal.

import { make } from "./dom.js";
import { openDraft } from "./hazard.js";
import { keepHazard } from "./keep.js";
import { photoTile } from "./photos.js";
import { isSigned, makeSigning, unitSigns } from "./signing.js";
import { button, toast } from "./ui.js";
import { say } from "./words.js";

export async function showFix(app, [id, hazardId]) {
  const { draft, finding } = await openDraft(app, id, hazardId);
  if (!finding) return null;
  const signing = await makeSigning(app, draft, finding);
  const save = button(say("save_hazard"), (event) => saveFixed(app, draft, finding, event.currentTarget), { kind: "primary", glyph: "check" });
  const tile = photoTile(app, draft, finding.photos, "after");
  tile.classList.add("wide");
  return { title: say("fix_title"), back: `hazard/${draft.id}/${finding.hazard_id}`, body: [make("div", { class: "tiles one" }, tile), signing], foot: [save] };
}

async function saveFixed(app, draft, finding, save) {
  await app.busy;
  if (!finding.photos.some((photo) => photo.kind === "after")) return toast(say("photo_needed", { names: say("photo_after") }), "bad");
  if (draft.team.length < 2) return toast(say("team_needed"), "bad");
  if (unitSigns(app, draft) && !isSigned(finding)) return toast(say("signature_needed"), "bad");
  return keepHazard(app, draft, finding, { fixed: true }, save);
}
