// The outbox: records get their number, chain and hash in the transaction that keeps them; they
// leave only when the server repeats their id and hash and says that it lacks no photo of theirs.

import { sha256Text } from "./sha256.js";
import { STRICT, tellChange } from "./store.js";
import { makeUuid7 } from "./uuid7.js";

const LEDGER_LENGTH = 200;

export async function getDevice(db) {
  const tx = db.transaction("meta", "readwrite", STRICT);
  let device = await tx.store.get("device");
  if (!device) {
    device = { id: makeUuid7(), seq: 0, prev_hash: null };
    await tx.store.put(device, "device");
  }
  await tx.done;
  return device;
}

function buildBody(event, { account, role }, device, at) {
  return JSON.stringify({
    id: event.id,
    type: event.type,
    account,
    role,
    hazard_id: event.hazard_id ?? null,
    visit_id: event.visit_id ?? null,
    asset_id: event.asset_id ?? null,
    asset_choice: event.asset_choice ?? "none",
    task_id: event.task_id ?? null,
    expected_version: event.expected_version ?? null,
    form: event.form ?? null,
    payload: event.payload ?? {},
    evidence: event.evidence ?? [],
    device: { id: device.id, seq: device.seq, at },
    prev_hash: device.prev_hash,
    fix: event.fix ?? null,
  });
}

// Keeps events (all or none) and lets go of the draft they came from; gives the rows as kept.
// Throws QuotaExceededError when there is no room: nothing is kept then, the draft stays.
export async function recordEvents(db, author, events, { draft = null, dropDraft = false } = {}) {
  await getDevice(db);
  const tx = db.transaction(["events", "meta", "drafts", "blobs"], "readwrite", STRICT);
  tx.done.catch(() => {}); // a request that fails is thrown below; this is the same failure again
  const device = await tx.objectStore("meta").get("device");
  const rows = makeRows(device, author, events);
  for (const row of rows) {
    await tx.objectStore("events").add(row);
    await claimBlobs(tx.objectStore("blobs"), row, draft?.id);
  }
  await tx.objectStore("meta").put(device, "device");
  if (draft && dropDraft) await tx.objectStore("drafts").delete(draft.id);
  else if (draft) await tx.objectStore("drafts").put(draft);
  await tx.done;
  tellChange();
  return rows;
}

// The next records of the device, which is counted on.
export function makeRows(device, author, events) {
  return events.map((event) => {
    device.seq += 1;
    const at = new Date().toISOString();
    const body = buildBody({ id: makeUuid7(), ...event }, author, device, at);
    device.prev_hash = sha256Text(body);
    return makeRow(event, author, device.seq, body, device.prev_hash, at);
  });
}

function makeRow(event, author, seq, body, sha256, at) {
  const parsed = JSON.parse(body);
  return {
    seq,
    id: parsed.id,
    account: author.account,
    type: event.type,
    hazard_id: parsed.hazard_id,
    asset_id: parsed.asset_id,
    task_id: parsed.task_id,
    visit_id: parsed.visit_id,
    shown: event.shown ?? {},
    evidence: parsed.evidence.map(({ sha256: hash, kind, bytes }) => ({ sha256: hash, kind, bytes })),
    body,
    sha256,
    saved_at: at,
    status: "waiting",
    missing: null,
    problem: null,
  };
}

export async function claimBlobs(blobs, row, draftId) {
  for (const { sha256 } of row.evidence) {
    const blob = await blobs.get(sha256);
    if (!blob) continue;
    blob.owners = [...new Set([...blob.owners.filter((owner) => owner !== draftId), row.id])];
    await blobs.put(blob);
  }
}

// Keeps a photo for a draft or a record. Throws QuotaExceededError when the phone is full.
export async function keepBlob(db, { sha256, media, bytes }, owner) {
  const tx = db.transaction("blobs", "readwrite", STRICT);
  tx.done.catch(() => {});
  const known = await tx.store.get(sha256);
  const owners = [...new Set([...(known?.owners ?? []), owner])];
  await tx.store.put(known ? { ...known, owners } : { sha256, media, bytes, owners, upload: null, done: false });
  await tx.done;
}

export async function releaseBlob(store, sha256, owner) {
  const blob = await store.get(sha256);
  if (!blob) return;
  blob.owners = blob.owners.filter((one) => one !== owner);
  await (blob.owners.length ? store.put(blob) : store.delete(sha256));
}

// The server's 2xx to one record. False when it does not speak of exactly these bytes.
export async function acknowledge(db, row, answer) {
  if (answer?.id !== row.id || answer?.sha256 !== row.sha256) return false;
  const missing = answer.missing_evidence ?? [];
  const tx = db.transaction(["events", "blobs", "received", "meta"], "readwrite", STRICT);
  const blobs = tx.objectStore("blobs");
  const own = new Set(row.evidence.map((one) => one.sha256));
  for (const sha256 of own) if (!missing.includes(sha256)) await releaseBlob(blobs, sha256, row.id);
  const left = missing.filter((sha256) => own.has(sha256));
  if (left.length) {
    for (const sha256 of left) await reopenBlob(blobs, sha256);
    await tx.objectStore("events").put({ ...row, status: "held", missing: left, problem: null });
  } else await tx.objectStore("events").delete(row.seq);
  await tx.objectStore("received").put(makeReceipt(row, answer));
  if (answer.received_of_device) await tx.objectStore("meta").put(answer.received_of_device, "received_of_device");
  await tx.done;
  await trimLedger(db);
  return true;
}

// The server still lacks a photo that was sent: it will be sent again.
async function reopenBlob(blobs, sha256) {
  const blob = await blobs.get(sha256);
  if (blob?.done) await blobs.put({ ...blob, done: false, upload: null });
}

function makeReceipt(row, answer) {
  const { seq, id, account, sha256, type, hazard_id, asset_id, task_id, shown, saved_at } = row;
  const { outcome, reason = null, hazard_version = null } = answer;
  const kept = { seq, id, account, sha256, type, hazard_id, asset_id, task_id, shown, saved_at };
  return { ...kept, outcome, reason, hazard_version, received_at: new Date().toISOString(), read: outcome !== "refused" };
}

async function trimLedger(db) {
  const read = (await db.getAll("received")).filter((one) => one.read);
  const old = read.sort((a, b) => b.seq - a.seq).slice(LEDGER_LENGTH);
  for (const one of old) await db.delete("received", one.id);
}

// Why a record did not go; hard: it will not go by itself, the inspector has to look at it.
export async function noteProblem(db, seq, problem, { hard }) {
  const tx = db.transaction("events", "readwrite", STRICT);
  const row = await tx.store.get(seq);
  const status = row && row.status !== "held" && hard ? "attention" : row?.status;
  if (row) await tx.store.put({ ...row, status, problem: { ...problem, at: new Date().toISOString() } });
  await tx.done;
}

export async function tryAgain(db, seq) {
  const tx = db.transaction("events", "readwrite", STRICT);
  const row = await tx.store.get(seq);
  if (row?.status === "attention") await tx.store.put({ ...row, status: "waiting", problem: null });
  await tx.done;
}

export async function countOutbox(db) {
  const rows = await db.getAll("events");
  const recorded = (await db.get("meta", "device"))?.seq ?? 0;
  const unsent = rows.filter((row) => row.status !== "held");
  return {
    recorded,
    received: recorded - unsent.length,
    waiting: unsent.filter((row) => row.status === "waiting").length,
    attention: unsent.filter((row) => row.status === "attention").length,
    photos: await countPhotos(db, rows),
    oldest: rows.map((row) => row.saved_at).sort()[0] ?? null,
    refused: (await db.getAll("received")).filter((one) => one.outcome === "refused" && !one.read).length,
  };
}

async function countPhotos(db, rows) {
  const keys = new Set(await db.getAllKeys("blobs"));
  const needed = new Set(rows.flatMap((row) => row.missing ?? row.evidence.map((one) => one.sha256)));
  return [...needed].filter((sha256) => keys.has(sha256)).length;
}

export async function outboxIsEmpty(db) {
  return !(await db.count("events")) && !(await db.count("drafts"));
}
