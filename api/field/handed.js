// What a full phone handed out as a file. It has its number in the chain and waits, in a few
// kilobytes outside the database, for room; then it enters the outbox byte for byte. So the file
// and the phone hold one and the same record: whichever reaches the office first, it is there once.

import { exportOutbox } from "./export.js";
import { claimBlobs, makeRows } from "./outbox.js";
import { STRICT, tellChange } from "./store.js";

const KEY = "infratrack-handed-out";
// Where nothing can be kept beside the database either: as long as the page lives.
let memory = [];

export function readHanded() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? memory;
  } catch {
    return memory;
  }
}

function keepHanded(list) {
  memory = list;
  try {
    if (list.length) localStorage.setItem(KEY, JSON.stringify(list));
    else localStorage.removeItem(KEY);
  } catch {
    // It is in the file, and in memory.
  }
  tellChange();
}

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

// Into the outbox with all of it, or nothing (QuotaExceededError). Gives the entries that went in.
export async function adoptHanded(db) {
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
    if (draft && dropDraft) await tx.objectStore("drafts").delete(draft.id);
    else if (draft) await tx.objectStore("drafts").put(draft);
  }
  await tx.objectStore("meta").put(device, "device");
  await tx.done;
  keepHanded(readHanded().filter((one) => one.device !== device.id));
  return mine;
}
