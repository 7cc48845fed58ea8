// Who uses this phone. A login is kept per person, so that on a shared phone everybody's records go
// under their own name; one that has run out stops nobody from recording.

import { getDevice } from "./outbox.js";
import { readProblem } from "./answers.js";
import { currentLanguage } from "./words.js";

export class RefusedLoginError extends Error {
  constructor(problem) {
    super("refused");
    this.problem = problem;
  }
}

export async function currentAccount(db) {
  const id = await db.get("meta", "account");
  return id ? ((await listAccounts(db)).find((one) => one.id === id) ?? null) : null;
}

export async function listAccounts(db) {
  return (await db.get("meta", "accounts")) ?? [];
}

async function putAccount(db, account) {
  const others = (await listAccounts(db)).filter((one) => one.id !== account.id);
  await db.put("meta", [...others, account], "accounts");
}

// proof: {login, password} or {code}. TypeError without a signal.
export async function logIn(db, proof) {
  const device = await getDevice(db);
  const response = await fetch("/devices", {
    method: "POST",
    cache: "no-store",
    credentials: "omit",
    headers: { "Content-Type": "application/json", "Accept-Language": currentLanguage() },
    body: JSON.stringify({ ...proof, device_id: device.id, device_name: nameDevice() }),
  });
  if (!response.ok) throw new RefusedLoginError(await readProblem(response));
  const { token, person, expires_at } = await response.json();
  const account = { id: person.id ?? person.account_id, login: person.login, name: person.name, roles: person.roles, token, expires_at, expired: false };
  await putAccount(db, account);
  await db.put("meta", account.id, "account");
  return account;
}

function nameDevice() {
  const system = /\(([^)]*)\)/.exec(navigator.userAgent)?.[1] ?? "";
  return system.slice(0, 80) || "phone";
}

export async function tokenOf(db, accountId) {
  const account = (await listAccounts(db)).find((one) => one.id === accountId);
  return account && !account.expired ? account.token : null;
}

export async function markExpired(db, accountId) {
  const account = (await listAccounts(db)).find((one) => one.id === accountId);
  if (account && !account.expired) await putAccount(db, { ...account, expired: true });
}

// The next person takes the phone; whose records still wait keeps the login that can send them.
export async function leaveAccount(db) {
  const id = await db.get("meta", "account");
  await db.delete("meta", "account");
  const waits = (await db.getAll("events")).some((row) => row.account === id);
  if (!waits) await db.put("meta", (await listAccounts(db)).filter((one) => one.id !== id), "accounts");
}
