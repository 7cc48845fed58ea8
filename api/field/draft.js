// A visit under way, kept after every change: a reload or a dead battery costs nothing.

import { isHandedOut } from "./handed.js";
import { keepBlob, releaseBlob } from "./outbox.js";
import { STRICT, isQuotaError } from "./store.js";
import { toast } from "./ui.js";
import { makeUuid7 } from "./uuid7.js";
import { say } from "./words.js";

const PAUSE_MS = 250;

export async function startVisit(app, { asset = null, choice = "none", task = null, category = null, scanned = null }, way = {}) {
  const known = (await app.db.getAll("drafts")).find(
    (draft) => draft.kind === "visit" && draft.account === app.account.id && asset && draft.asset?.id === asset.id,
  );
  if (known) return app.go(`visit/${known.id}`, way);
  const draft = {
    kind: "visit",
    id: makeUuid7(),
    account: app.account.id,
    asset,
    asset_choice: asset || scanned ? choice : "none",
    scanned_code: scanned,
    task_id: task?.id ?? findTask(app, asset)?.id ?? null,
    category: category ?? task?.category ?? asset?.category ?? "other",
    started_at: new Date().toISOString(),
    result: "inspected",
    checklist: {},
    flood: {},
    team: (await app.db.get("meta", "team")) ?? [app.account.name ?? app.account.login],
    joint: "",
    accompanied_by: "",
    note: "",
    findings: [],
    recorded: [],
  };
  await keepDraft(app, draft);
  app.positioning.restart();
  return app.go(`visit/${draft.id}`, way);
}

function findTask(app, asset) {
  return asset && app.day.tasks.find((task) => task.asset_id === asset.id);
}

export const findForm = (app, draft) => app.day.forms.find((form) => form.key === draft.category) ?? null;

// The items that concern this type of site; all of them where the type is not known, or when asked.
export function listItems(app, draft) {
  const items = findForm(app, draft)?.checklist ?? [];
  const type = draft.asset?.site_type;
  if (!type || draft.every_item) return items;
  return items.filter((one) => !one.applies_to?.length || one.applies_to.includes(type) || draft.checklist[one.item]);
}

export const findItem = (app, draft, key) => findForm(app, draft)?.checklist.find((one) => one.item === key) ?? null;

export function makeFinding(item) {
  return { hazard_id: makeUuid7(), started_at: new Date().toISOString(), item, description: "", photos: [], place: null, signer: "", signature: null, refuses: false, refused_reason: "", due_on: null };
}

export async function keepDraft(app, draft) {
  clearTimeout(pending?.timer);
  pending = null;
  try {
    const tx = app.db.transaction("drafts", "readwrite", STRICT);
    tx.done.catch(() => {}); // a request that fails is thrown below; this is the same failure again
    await tx.store.put(draft);
    await tx.done;
  } catch (error) {
    if (!isQuotaError(error)) throw error;
    toast(say("full_banner"), "bad");
  }
}

// One object for each draft as long as the page lives: a photo that is still being kept when a
// screen is drawn anew goes into the draft that screen shows; and where the phone has no room left,
// what was entered lives on here.
const live = new Map();

export async function readDraft(app, id) {
  if (!live.has(id)) {
    const kept = await app.db.get("drafts", id);
    if (kept && !live.has(id)) live.set(id, kept);
  }
  return live.get(id) ?? null;
}

let pending = null;

// After the last key of a word; at once when the page goes away.
export function keepSoon(app, draft) {
  clearTimeout(pending?.timer);
  pending = { app, draft, timer: setTimeout(() => keepDraft(app, draft), PAUSE_MS) };
}

// What was typed last is written before anything else happens to the draft: a timer that fires
// after the record was made would bring the old draft back.
export async function flush() {
  if (pending) await keepDraft(pending.app, pending.draft);
}
addEventListener("pagehide", flush);
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && flush());
addEventListener("hashchange", flush);

// Keeps a photo with the draft it belongs to; false when the phone has no room for it.
export async function keepPhoto(app, draft, photo, without = "photo_no_room") {
  try {
    await keepBlob(app.db, photo, draft.id);
    return true;
  } catch (error) {
    if (!isQuotaError(error)) throw error;
    toast(say(without), "bad");
    return false;
  }
}

export async function forgetPhoto(app, draft, sha256) {
  if (isHandedOut(sha256)) return;
  const tx = app.db.transaction("blobs", "readwrite", STRICT);
  await releaseBlob(tx.store, sha256, draft.id);
  await tx.done;
}

export async function dropDraft(app, draft) {
  const tx = app.db.transaction(["drafts", "blobs"], "readwrite", STRICT);
  for (const sha256 of await tx.objectStore("blobs").index("owners").getAllKeys(draft.id)) {
    if (!isHandedOut(sha256)) await releaseBlob(tx.objectStore("blobs"), sha256, draft.id);
  }
  await tx.objectStore("drafts").delete(draft.id);
  await tx.done;
  forgetDraft(draft);
}

export const findLive = (id) => live.get(id) ?? null;

export function forgetDraft(draft) {
  live.delete(draft.id);
}
