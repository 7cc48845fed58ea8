// What the phone knows of today: the person's tasks, their assets, the hazards open there, the
// forms. Nothing else is kept, and it goes by rule.

import { outboxIsEmpty } from "./outbox.js";
import { LoginNeededError } from "./answers.js";

export const WIPE_DAYS = 7;
const DAY_MS = 86_400_000;
const OUTLINE_BYTES = 400_000;

const EMPTY = { cursor: null, tasks: [], assets: [], hazards: [], forms: [], call_outs: [] };

export async function readDay(db, accountId) {
  const day = await db.get("cache", "day");
  return day?.account === accountId ? day : { ...EMPTY, account: accountId, fetched_at: null };
}

const localDate = (moment) => new Date(moment).toDateString();

export async function fetchDay(db, account) {
  const day = await readDay(db, account.id);
  const same = day.cursor && localDate(day.fetched_at) === localDate(Date.now());
  // What the office had received by then is in the answer, or is open no more.
  const asked_at = new Date().toISOString();
  const answer = await askDay(account.token, same ? day.cursor : null);
  const base = same ? day : { ...EMPTY };
  const removed = answer.removed ?? {};
  const next = {
    account: account.id,
    cursor: answer.cursor ?? null,
    asked_at,
    fetched_at: new Date().toISOString(),
    clock_ms: Date.parse(answer.now) - Date.now() || 0,
    forms: answer.forms?.length ? answer.forms : base.forms,
    tasks: merge(base.tasks, answer.tasks, removed.tasks),
    assets: merge(base.assets, answer.assets, removed.assets),
    hazards: merge(base.hazards, answer.hazards, removed.hazards),
    call_outs: answer.call_outs ?? [], // all that are open, each time
  };
  next.assets = next.assets.map((asset) => ({ ...asset, category: asset.category ?? findCategory(asset, next) }));
  await db.put("cache", next, "day");
  await noteContact(db);
  return next;
}

async function askDay(token, cursor) {
  const query = cursor === null ? "" : `?since=${encodeURIComponent(cursor)}`;
  const response = await fetch(`/sync${query}`, {
    cache: "no-store",
    credentials: "omit",
    headers: { Authorization: `Bearer ${token}` },
  });
  if (response.status === 401 || response.status === 403) throw new LoginNeededError();
  // A cursor the server no longer knows: everything anew.
  if (!response.ok && cursor !== null && response.status < 500) return askDay(token, null);
  if (!response.ok) throw new TypeError(`the server answered ${response.status}`);
  return response.json();
}

// Which checklist an asset is looked at with: its task's, else that of what is open there.
function findCategory(asset, { tasks, hazards, call_outs }) {
  if (call_outs.some((one) => one.asset_id === asset.id)) return "flood";
  return [...tasks, ...hazards].find((one) => one.asset_id === asset.id)?.category ?? null;
}

export function merge(known, came = [], gone = []) {
  const rows = new Map(known.map((row) => [row.id, row]));
  for (const row of came) rows.set(row.id, row);
  for (const id of gone) rows.delete(id);
  return [...rows.values()];
}

export async function noteContact(db) {
  await db.put("meta", new Date().toISOString(), "contact");
}

// The county's outline, where the server shows it to everybody: a picture behind the points.
export async function fetchOutline(db) {
  if (await db.get("cache", "outline")) return;
  const response = await fetch("/collections/admin_unit/items?limit=50", { credentials: "omit" });
  const text = response.ok ? await response.text() : "";
  if (text && text.length < OUTLINE_BYTES) await db.put("cache", JSON.parse(text), "outline");
}

// A phone that was lost or laid aside forgets the day and the logins, unless it still holds work.
export async function wipeIfStale(db) {
  const contact = await db.get("meta", "contact");
  if (!contact || Date.now() - Date.parse(contact) < WIPE_DAYS * DAY_MS) return false;
  if (!(await outboxIsEmpty(db))) return false;
  await db.clear("cache");
  await db.clear("received");
  for (const key of ["account", "accounts", "team", "contact", "pin"]) await db.delete("meta", key);
  return true;
}
