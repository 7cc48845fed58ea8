// From what was entered to the records that are kept: found, fixed, visited, and acts on a case.

import { findForm, findItem, findLive, flush, forgetDraft, forgetPhoto, keepDraft, keepPhoto } from "./draft.js";
import { makeWatermarked } from "./evidence.js";
import { saveOutbox } from "./export.js";
import { adoptHanded, handOut, nameEntry } from "./handed.js";
import { recordEvents } from "./outbox.js";
import { countyDay } from "./limits.js";
import { readSigning } from "./signing.js";
import { isQuotaError } from "./store.js";
import { ask, categoryWord, toast } from "./ui.js";
import { formatMoment, pick, say } from "./words.js";

// As the server works it out (business days are those of the county): it stands in the watermark.
export function makeCode(hazardId, at) {
  return `YH${countyDay(at).slice(2).replaceAll("-", "")}-${hazardId.slice(-8).toUpperCase()}`;
}

// The best that is known: what was tapped, what was measured, where the asset stands.
export function chooseFix(app, { place = null, asset = null, choice = null }) {
  const at = new Date().toISOString();
  if (place) return { lon: place.lon, lat: place.lat, accuracy_m: null, level: null, source: "tap", at: place.at ?? at };
  if (app.positioning.best) return app.positioning.best;
  if (!Number.isFinite(asset?.lon)) return null;
  return { lon: asset.lon, lat: asset.lat, accuracy_m: null, level: null, source: choice === "scan" ? "qr" : "asset", at };
}

const strip = ({ sha256, kind, media, bytes, taken_at, lon = null, lat = null, accuracy_m = null, of, ...more }) => ({
  ...{ sha256, kind, media, bytes, taken_at, lon, lat, accuracy_m },
  ...(of ? { of } : more.recompressed ? { recompressed: true, original_sha256: more.original_sha256, original_bytes: more.original_bytes } : {}),
});

// The originals and, beside each, the copy with time, place, person and code written into it.
async function listEvidence(app, draft, photos, code, fix) {
  const evidence = [];
  for (const photo of photos) {
    evidence.push(strip(photo));
    if (photo.kind === "signature") continue;
    const kept = await app.db.get("blobs", photo.sha256);
    const copy = kept && (await makeWatermarked(kept.bytes, watermarkLines(app, draft, photo, code, fix)));
    if (!copy || !(await keepPhoto(app, draft, copy, "copy_no_room"))) continue;
    evidence.push(strip({ ...photo, sha256: copy.sha256, media: copy.media, bytes: copy.bytes.size, kind: "watermarked", of: photo.sha256 }));
  }
  return evidence;
}

export function watermarkLines(app, draft, photo, code, fix) {
  const at = Number.isFinite(photo.lon) ? photo : fix;
  const accuracy = Number.isFinite(at?.accuracy_m) ? ` ±${Math.round(at.accuracy_m)} m` : "";
  const place = at ? `${at.lon.toFixed(6)}, ${at.lat.toFixed(6)}${accuracy}` : say("place_unknown");
  const asset = draft.asset ? [draft.asset.name, draft.asset.code].filter(Boolean).join(" ") : categoryWord(draft.category);
  return [[code, asset].filter(Boolean).join("  "), `${formatMoment(photo.taken_at)}  ${place}`, say("watermark_by", { name: app.account.name ?? app.account.login })];
}

function shared(draft, fix) {
  return { visit_id: draft.id, asset_id: draft.asset?.id ?? null, asset_choice: draft.asset_choice, task_id: draft.task_id, fix };
}

function formName(app, draft) {
  const form = findForm(app, draft);
  return form ? `${form.key}@${form.version}` : null;
}

const author = (app, role) => ({ account: app.account.id, role });
const clean = (payload) => Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== null && value !== "" && value !== undefined));

// decision: {fixed: true, …} or {due_on}. Gives the hazard's code; null when nothing was kept.
export async function saveHazard(app, draft, finding, decision) {
  const code = makeCode(finding.hazard_id, Date.now());
  await takeIn(app);
  const said = await listSaid(app.db, finding.hazard_id);
  const without = { ...draft, findings: draft.findings.filter((one) => one !== finding), recorded: [...draft.recorded, { item: finding.item, hazard_id: finding.hazard_id, code }] };
  const fix = chooseFix(app, { place: finding.place, asset: draft.asset, choice: draft.asset_choice });
  const item = findItem(app, draft, finding.item);
  const shown = { code, category: draft.category, item: finding.item, what: item?.text ?? null, description: finding.description, severity: item?.severity ?? null, asset: draft.asset?.name ?? draft.asset?.code ?? null };
  const before = finding.photos.filter((photo) => photo.kind.startsWith("before"));
  const signed = decision.fixed ? { evidence: [], payload: {} } : readSigning(finding);
  const events = [];
  if (!said.has("found")) {
    events.push({
      ...shared(draft, fix),
      type: "found",
      hazard_id: finding.hazard_id,
      form: formName(app, draft),
      payload: clean({ code, category: draft.category, item: finding.item, severity: item?.severity, description: finding.description.trim(), origin: draft.origin, scanned_code: draft.scanned_code, order_due_on: decision.due_on, order_reason: decision.order_reason, ...signed.payload }),
      evidence: await listEvidence(app, draft, [...before, ...signed.evidence], code, fix),
      shown,
    });
  }
  if (decision.fixed && !said.has("fixed_on_spot")) events.push(await makeFixed(app, draft, finding, { code, fix, shown }));
  // A file of a full phone may hold all of it already, while the draft that was kept still does, too.
  if (!events.length) await keepDraft(app, without);
  else if (!(await keepOrSaveAsFile(app, author(app, "inspector"), events, { draft: without }))) return null;
  Object.assign(draft, without);
  return code;
}

// What this phone has recorded of a hazard, sent or not.
async function listSaid(db, hazardId) {
  const rows = [...(await db.getAll("events")), ...(await db.getAll("received"))];
  return new Set(rows.filter((row) => row.hazard_id === hazardId).map((row) => row.type));
}

async function makeFixed(app, draft, finding, { code, fix, shown }) {
  const after = finding.photos.filter((photo) => photo.kind === "after");
  const { evidence, payload } = readSigning(finding);
  return {
    ...shared(draft, fix),
    type: "fixed_on_spot",
    hazard_id: finding.hazard_id,
    // The first thing that happens to a hazard is its discovery.
    expected_version: 1,
    form: formName(app, draft),
    payload: clean({ team: draft.team, note: payload.signed_by ? `${say("signer")}: ${payload.signed_by}` : null, refused_reason: payload.refused_reason }),
    evidence: await listEvidence(app, draft, [...after, ...evidence], code, fix),
    shown,
  };
}

export async function saveVisit(app, draft) {
  const signed = readSigning(draft.signing ?? {});
  const fix = chooseFix(app, { asset: draft.asset, choice: draft.asset_choice });
  const event = {
    ...shared(draft, fix),
    type: "visited",
    form: formName(app, draft),
    payload: { ...visitPayload(app, draft), ...clean(signed.payload) },
    evidence: signed.evidence.map(strip),
    shown: { asset: draft.asset?.name ?? draft.asset?.code ?? null, category: draft.category, result: visitResult(draft) },
  };
  return keepOrSaveAsFile(app, author(app, "inspector"), [event], { draft, dropDraft: true });
}

// A step of a call-out is a record of its own: it does not wait for the visit to end.
export async function saveCallOutStep(app, draft, callOut, type, payload) {
  const fix = chooseFix(app, { asset: draft.asset, choice: draft.asset_choice });
  const event = {
    ...shared(draft, fix),
    type,
    payload: { call_out: callOut.id, ...payload },
    shown: { asset: draft.asset?.name ?? draft.asset?.code ?? null, call_out: callOut.id, description: payload.action ?? (payload.depth_m !== undefined ? `${payload.depth_m} m` : null) },
  };
  return keepOrSaveAsFile(app, author(app, "inspector"), [event], { draft });
}

export function visitResult(draft) {
  if (draft.result !== "inspected") return draft.result;
  return draft.recorded.length || Object.values(draft.checklist).includes("fail") ? "hazards" : "normal";
}

function visitPayload(app, draft) {
  const items = findForm(app, draft)?.checklist ?? [];
  const ticked = draft.result === "no_entry" ? [] : items.filter(({ item }) => draft.checklist[item]);
  const { depth_m, level, action, ...moments } = draft.flood;
  const flood = clean({ depth_m: readNumber(depth_m), level, action, ...Object.fromEntries(Object.entries(moments).map(([name, value]) => [name, withZone(value)])) });
  return clean({
    result: visitResult(draft),
    category: draft.category,
    team: draft.team,
    joint: draft.joint.split(/[,,、;;]/).map((one) => one.trim()).filter(Boolean),
    accompanied_by: draft.accompanied_by.trim(),
    checklist: ticked.map(({ item }) => ({ item, result: draft.checklist[item] })),
    flood: draft.category === "flood" && Object.keys(flood).length ? flood : null,
    scanned_code: draft.scanned_code,
    note: draft.note.trim(),
  });
}

// What the phone's clock field gives is a time of here, without saying so.
function withZone(local) {
  const moment = new Date(local);
  return Number.isNaN(moment.getTime()) ? null : moment.toISOString();
}

function readNumber(text) {
  const number = Number.parseFloat(String(text ?? "").replace(",", "."));
  return Number.isFinite(number) ? number : null;
}

// An act on a hazard of the day, or a comment on any.
export async function saveAct(app, draft, hazard, act, pendingCount) {
  const fix = chooseFix(app, { asset: app.day.assets.find((asset) => asset.id === hazard.asset_id) });
  const event = {
    type: draft.type,
    hazard_id: hazard.id,
    visit_id: draft.visit_id ?? null,
    asset_id: hazard.asset_id ?? null,
    asset_choice: hazard.asset_id ? "list" : "none",
    expected_version: draft.type === "commented" ? null : (hazard.version ?? 1) + pendingCount,
    payload: clean({ [act.reason ? "reason" : "note"]: draft.note.trim() }),
    evidence: await listEvidence(app, { ...draft, asset: null, category: hazard.category }, draft.photos, hazard.code, fix),
    fix,
    shown: { code: hazard.code, what: hazard.item ? (pick(hazard.item_text) || hazard.item) : null, description: hazard.description, severity: hazard.severity },
  };
  return keepOrSaveAsFile(app, author(app, act.role), [event], { draft, dropDraft: true });
}

// The record goes before its copies: where there is no room for both, they make way. Where there
// is none at all it is offered as a file, and the draft stays: it is never just gone.
async function keepOrSaveAsFile(app, who, events, options) {
  await flush();
  const kept = (await keepRecords(app, who, events, options)) ?? (await keepRecords(app, who, (events = await dropCopies(app, options.draft, events)), options));
  if (!kept) {
    const chosen = await ask(say("save_hazard"), say("save_failed"), [["file", say("save_as_file"), "primary"], ["no", say("cancel")]]);
    if (chosen === "file") saveOutbox(await handOut(app.db, who, events, options));
    return false;
  }
  // It went in as it was handed out, without copies: those of this try are no record's.
  if (kept === true) await forgetCopies(app, options.draft, events);
  if (options.dropDraft) forgetDraft(options.draft);
  app.sender.now();
  return true;
}

// null: no room. What was handed out as a file before goes in first, as it was; if it is this very
// entry, it is not recorded twice.
async function keepRecords(app, who, events, options) {
  const taken = await takeIn(app);
  if (!taken) return null;
  if (taken.some((one) => one.key === nameEntry(who, events))) return true;
  return orNoRoom(recordEvents(app.db, who, events, options));
}

// What was handed out as a file goes into the outbox as soon as there is room; null: there is none.
export async function takeIn(app) {
  const taken = await orNoRoom(adoptHanded(app.db, findLive));
  for (const { draft, dropDraft } of taken ?? []) {
    if (dropDraft && !findLive(draft.id)?.findings?.length) forgetDraft(draft);
  }
  if (taken?.length) app.sender?.now();
  return taken;
}

const orNoRoom = (work) => work.catch((error) => (isQuotaError(error) ? null : Promise.reject(error)));

// In the draft's name alone (releaseBlob): what a record owns stays.
async function forgetCopies(app, draft, events) {
  const copies = events.flatMap((event) => event.evidence ?? []).filter((note) => note.of);
  for (const { sha256 } of copies) await forgetPhoto(app, draft, sha256);
  return copies.length;
}

async function dropCopies(app, draft, events) {
  if (await forgetCopies(app, draft, events)) toast(say("copy_no_room"), "bad");
  return events.map((event) => ({ ...event, evidence: event.evidence?.filter((note) => !note.of) }));
}
