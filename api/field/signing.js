// The unit signs with a finger, or refuses and it is written down why.

import { findForm, forgetPhoto, keepDraft, keepPhoto, keepSoon } from "./draft.js";
import { make } from "./dom.js";
import { signaturePad } from "./signature.js";
import { field, segments } from "./ui.js";
import { say } from "./words.js";

// As the server has it: at a drain or a road nobody is there to sign; what has no checklist is signed.
export const unitSigns = (app, draft) => findForm(app, draft)?.needs?.signature ?? true;

// target holds signature, signer, refuses, refused_reason; it is part of the draft.
export async function makeSigning(app, draft, target) {
  const proof = make("div", { class: "stack" });
  const fill = async () => proof.replaceChildren(...(target.refuses ? refusalFields(app, draft, target) : await signatureFields(app, draft, target)));
  await fill();
  const how = segments(say("signature_of"), [[false, say("signed")], [true, say("refused")]], Boolean(target.refuses), (refuses) => {
    target.refuses = refuses;
    keepDraft(app, draft);
    fill();
  });
  return make("div", { class: "stack signing" }, how, proof);
}

async function signatureFields(app, draft, target) {
  const kept = target.signature && (await app.db.get("blobs", target.signature.sha256));
  const pad = signaturePad({
    blob: kept?.bytes ?? null,
    track: (picture) => (app.busy = picture),
    onsigned: (picture) => keepSignature(app, draft, target, picture),
  });
  const signer = field(say("signer_optional"), { value: target.signer, maxlength: "60", oninput: (value) => {
    target.signer = value;
    keepSoon(app, draft);
  } });
  return [pad, signer];
}

async function keepSignature(app, draft, target, picture) {
  const old = target.signature;
  // A phone without room takes no signature; the record says so, and goes on.
  target.unkept = Boolean(picture) && !(await keepPhoto(app, draft, picture, "signature_no_room"));
  target.signature = picture && !target.unkept ? { sha256: picture.sha256, kind: "signature", media: picture.media, bytes: picture.bytes.size, taken_at: new Date().toISOString() } : null;
  await keepDraft(app, draft);
  if (old && old.sha256 !== picture?.sha256) await forgetPhoto(app, draft, old.sha256);
}

function refusalFields(app, draft, target) {
  return [
    field(say("refusal_reason"), { tag: "textarea", rows: "3", maxlength: "1000", value: target.refused_reason, oninput: (value) => {
      target.refused_reason = value;
      keepSoon(app, draft);
    } }),
  ];
}

// What the record says of it: {evidence, payload}.
export function readSigning(target) {
  if (target.refuses) return { evidence: [], payload: { refused_reason: target.refused_reason?.trim() || null } };
  if (target.unkept) return { evidence: [], payload: { refused_reason: say("signature_unkept") } };
  return { evidence: target.signature ? [target.signature] : [], payload: target.signature ? { signed_by: target.signer?.trim() || null } : {} };
}

export function isSigned(target) {
  const { evidence, payload } = readSigning(target);
  return Boolean(evidence.length || payload.refused_reason);
}
