// What a full phone handed out as a file. It has its number in the chain and waits, in a few
// kilobytes outside the database, for room; then it enters the outbox byte for byte. So the file
// and the phone hold one and the same record: whichever reaches the office first, it is there once.

import { exportOutbox } from "./export.js";
import { claimBlobs, makeRows } from "./outbox.js";
import { STRICT, tellChange } from "./store.js";

const KEY = "infratrack-handed-out";
// What could not be kept beside the database either: as long as the page lives. Null: nothing such.
let memory = null;

export function readHanded() {
  try {
    return memory ?? JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return memory ?? [];
  }
}

function keepHanded(list) {
  memory = null;
  try {
    if (list.length) localStorage.setItem(KEY, JSON.stringify(list));
    else localStorage.removeItem(KEY);
  } catch {
    memory = list; // It is in the file, and here.
  }
  tellChange();
}

// Whether a record that found no room yet speaks of a file: nobody else lets go of it.
export const isHandedOut = (sha256) => readHanded().some(({ rows }) => rows.some((row) => row.evidence.some((one) => one.sha256 === sha256)));

// What makes it the same entry when it is saved again: a hazard is found once, however it is worded.
export function nameEntry({ account }, events) {
  const name = ({ type, hazard_id, visit_id, payload }) => (/^(found|fixed_on_spot)$/.test(type) ? [type, hazard_id] : [type, hazard_id, visit_id, payload]);
  return JSON.stringify([account, events.map(name)]);
}

// The file, in the form the office imports: what waits on the phone, and what found no room there.
export async function handOut(db, author, events, { draft = null, dropDraft = false } = {}) {
  const list = readHanded();
  const key = nameEntry(author, events);
  if (!list.some((one) => one.key === key)) {
    const device = await db.get("meta", "device");
    const last = list.flatMap((one) => one.rows).at(-1);
    const at = last && last.seq > device.seq ? { ...device, seq: last.seq, prev_hash: last.sha256 } : { ...device };
    keepHanded([...list, { key, device: device.id, rows: makeRows(at, author, events), draft, dropDraft }]);
  }
  return exportOutbox(db, author.account, readHanded().flatMap((one) => one.rows));
}

// Of what was entered in a draft meanwhile nothing is lost: only what is recorded now leaves it.
function settleDraft(draft, kept, rows) {
  const recorded = new Set(rows.map((row) => row.hazard_id));
  const isNew = (one) => recorded.has(one.hazard_id) && !draft.recorded.some((known) => known.hazard_id === one.hazard_id);
  return Object.assign(draft, {
    findings: draft.findings.filter((one) => !recorded.has(one.hazard_id)),
    recorded: [...draft.recorded, ...kept.recorded.filter(isNew)],
  });
}

// Into the outbox with all of it, or nothing (QuotaExceededError). Gives the entries that went in.
// findLive: the draft of an id as a screen shows it, which may be newer than the one that is kept.
export async function adoptHanded(db, findLive) {
  if (!readHanded().length) return [];
  const tx = db.transaction(["events", "meta", "drafts", "blobs"], "readwrite", STRICT);
  tx.done.catch(() => {}); // a request that fails is thrown below; this is the same failure again
  const device = await tx.objectStore("meta").get("device");
  const mine = readHanded().filter((one) => one.device === device?.id);
  for (const { rows, draft, dropDraft } of mine) {
    // Another tab may have been faster.
    for (const row of rows.filter((one) => one.seq > device.seq)) {
      await tx.objectStore("events").add(row);
      await claimBlobs(tx.objectStore("blobs"), row, draft?.id);
      Object.assign(device, { seq: row.seq, prev_hash: row.sha256 });
    }
    if (!draft) continue;
    const drafts = tx.objectStore("drafts");
    const present = findLive(draft.id) ?? (await drafts.get(draft.id)) ?? draft;
    if (present.findings) settleDraft(present, draft, rows);
    if (dropDraft && !present.findings?.length) await drafts.delete(draft.id);
    else await drafts.put(present);
  }
  await tx.objectStore("meta").put(device, "device");
  await tx.done;
  keepHanded(readHanded().filter((one) => one.device !== device.id));
  return mine;
}
