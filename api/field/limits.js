// By when what was found has to be mended: the item's own rule, else the bureau's for the severity.
// Both come with the checklist, in numbers; this phone sets no date of its own.

import { findForm, findItem } from "./draft.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
// What stands on no list is of this class until the office registers it.
const UNLISTED = "general_b";

// Business days are those of the county, wherever the phone thinks it is.
export function countyDay(at) {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short" }).format(new Date(at));
}

export const inDays = (days, from = Date.now()) => countyDay(from + days * DAY_MS);

// {rule, item, severity}: item is null where the bureau's limit for the severity decides; rule is
// null where the phone was given no limits.
export function findLimit(app, draft, finding) {
  const item = findItem(app, draft, finding.item);
  const severity = item?.severity ?? UNLISTED;
  const own = item?.own_deadline !== false && item?.deadline;
  if (own && (own.hours || own.days)) return { rule: own, item, severity };
  // What should have been mended on the spot and was not goes by its severity.
  const limits = findForm(app, draft)?.limits ?? app.day.forms.find((form) => form.limits)?.limits;
  return { rule: limits?.[severity] ?? null, item: null, severity };
}

// {day, at}: the last day, and the moment where the rule counts hours; null: not known.
export function countLimit({ rule }, from = Date.now()) {
  if (!rule) return null;
  if (rule.hours) return { day: countyDay(from + rule.hours * HOUR_MS), at: from + rule.hours * HOUR_MS };
  return { day: rule.unit === "working" ? addWorkingDays(rule.days, from) : inDays(rule.days, from), at: null };
}

// Weekends only: the table of holidays is the office's, which counts anew.
function addWorkingDays(days, from) {
  let left = days;
  let at = from;
  while (left) {
    at += DAY_MS;
    const weekday = new Date(`${countyDay(at)}T00:00:00Z`).getUTCDay();
    left -= weekday !== 0 && weekday !== 6;
  }
  return countyDay(at);
}
