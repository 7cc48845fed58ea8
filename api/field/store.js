// The phone's own database. Four stores hold what must not be lost, two what can be asked again.

import { openDB } from "./idb.js";

const NAME = "infratrack-field";

export function openStore({ onOutdated } = {}) {
  return openDB(NAME, 1, {
    upgrade(db) {
      // Records in the order of their numbers; a row leaves when the server has all of it.
      const events = db.createObjectStore("events", { keyPath: "seq" });
      events.createIndex("id", "id", { unique: true });
      // Photos by hash; owners are the drafts and records that need them.
      const blobs = db.createObjectStore("blobs", { keyPath: "sha256" });
      blobs.createIndex("owners", "owners", { multiEntry: true });
      db.createObjectStore("drafts", { keyPath: "id" });
      db.createObjectStore("meta");
      db.createObjectStore("cache");
      // What the server answered: refusals until they are read, the rest as a short ledger.
      db.createObjectStore("received", { keyPath: "id" });
    },
    blocking(_current, _blocked, event) {
      event.target.close();
      onOutdated?.();
    },
  });
}

// Chromium's default calls a transaction done before it is on the disk.
export const STRICT = { durability: "strict" };

// Full by quota, or a disk that is full in earnest, which some browsers call "unknown".
export const isQuotaError = (error) => error?.name === "QuotaExceededError" || error?.name === "UnknownError";

const channel = "BroadcastChannel" in self ? new BroadcastChannel(NAME) : null;
const listeners = new Set();

// Tells this tab and the others that the outbox changed.
export function tellChange() {
  channel?.postMessage("changed");
  for (const listener of listeners) listener();
}

export function onChange(listener) {
  listeners.add(listener);
}

if (channel) {
  channel.onmessage = () => {
    for (const listener of listeners) listener();
  };
}
