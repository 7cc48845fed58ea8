// An optional PIN of the phone: it locks the screen of the app, throttles who guesses, and after ten
// wrong ones forgets the day and the logins. It is no encryption: that is the phone's own lock.
// Records, photos and drafts that were not sent are never touched, and go on being sent while locked.

import { listAccounts } from "./account.js";
import { STRICT } from "./store.js";

export const MOST_TRIES = 10;
export const PIN_LENGTH = 6;
// As OWASP's Password Storage Cheat Sheet asks of PBKDF2 with SHA-256.
const ROUNDS = 600_000;
const FREE_TRIES = 3;
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 300_000;

export const pinIsPossible = () => Boolean(self.crypto?.subtle);

export async function pinIsSet(db) {
  return Boolean(await db.get("meta", "pin"));
}

async function hashPin(pin, salt, rounds) {
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(pin), "PBKDF2", false, ["deriveBits"]);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations: rounds }, key, 256));
}

// Six digits that are not one digit, nor a row of them.
export function isWeak(pin) {
  const steps = [...pin].slice(1).map((digit, at) => Number(digit) - Number(pin[at]));
  return new Set(steps).size === 1 && Math.abs(steps[0]) <= 1;
}

export async function setPin(db, pin) {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  await db.put("meta", { salt, rounds: ROUNDS, hash: await hashPin(pin, salt, ROUNDS), tries: 0, until: 0 }, "pin");
}

export async function dropPin(db) {
  await db.delete("meta", "pin");
}

// Milliseconds until the next try; a clock that was set back makes nobody wait longer.
export async function readWait(db) {
  const kept = await db.get("meta", "pin");
  return Math.max(0, Math.min((kept?.until ?? 0) - Date.now(), waitAfter(kept?.tries ?? 0)));
}

const waitAfter = (tries) => (tries < FREE_TRIES ? 0 : Math.min(FIRST_WAIT_MS * 2 ** (tries - FREE_TRIES), LONGEST_WAIT_MS));

// {right: true}, {left: tries} or {wiped: true}. The try is counted before it is judged: whoever
// kills the app meanwhile gets none for nothing.
export async function tryPin(db, pin) {
  if (await readWait(db)) return { left: MOST_TRIES - (await db.get("meta", "pin")).tries };
  const kept = await countTry(db);
  const hash = await hashPin(pin, kept.salt, kept.rounds);
  if (hash.every((byte, at) => byte === kept.hash[at])) {
    await db.put("meta", { ...kept, tries: 0, until: 0 }, "pin");
    return { right: true };
  }
  if (kept.tries < MOST_TRIES) return { left: MOST_TRIES - kept.tries };
  await forgetDay(db);
  return { wiped: true };
}

async function countTry(db) {
  const tx = db.transaction("meta", "readwrite", STRICT);
  const kept = await tx.store.get("pin");
  kept.tries += 1;
  kept.until = Date.now() + waitAfter(kept.tries);
  await tx.store.put(kept, "pin");
  await tx.done;
  return kept;
}

// What can be asked of the server again goes, and every login: the next one needs a signal. What the
// server has not got stays, and its owner's next login sends it.
async function forgetDay(db) {
  const accounts = (await listAccounts(db)).map((one) => ({ ...one, token: null, expired: true }));
  const tx = db.transaction(["cache", "received", "meta"], "readwrite", STRICT);
  await tx.objectStore("cache").clear();
  await tx.objectStore("received").clear();
  for (const key of ["account", "team", "pin"]) await tx.objectStore("meta").delete(key);
  await tx.objectStore("meta").put(accounts, "accounts");
  await tx.done;
}
