// The server's clock, and what is late by it. A tablet with a wrong date must not move a deadline.

const clock = { offset: 0, timezone: "Asia/Shanghai", judged: "" };
const DAY = 86400000;

export function setClock(serverNow, timezone) {
  clock.offset = Date.parse(serverNow) - Date.now();
  clock.timezone = timezone || clock.timezone;
}

// A day of the past, to whose last moment lateness is judged; "" for the present.
export function judgeAt(day) {
  clock.judged = day;
}

export function serverTime() {
  return Date.now() + clock.offset;
}

export function timezone() {
  return clock.timezone;
}

// The calendar day of a moment on the business clock, as a count of days.
function dayNumber(time) {
  return Date.parse(`${dayText(time)}T00:00:00Z`) / DAY;
}

function dayText(time) {
  return dayFormat().format(new Date(time));
}

let formatter = null;
function dayFormat() {
  if (formatter?.resolvedOptions().timeZone !== clock.timezone) {
    formatter = new Intl.DateTimeFormat("sv-SE", { timeZone: clock.timezone, dateStyle: "short" });
  }
  return formatter;
}

export function today() {
  return dayText(serverTime());
}

// Tiles carry seconds since 1970 or ISO text; both are moments.
function readMoment(value) {
  return typeof value === "number" ? value * 1000 : Date.parse(value);
}

// Whether a deadline (epoch seconds or ISO text) has passed.
export function isLate(due) {
  return clock.judged ? dayText(readMoment(due)) <= clock.judged : readMoment(due) < serverTime();
}

// null: not late. Otherwise calendar days past the due day; 0 when it fell due earlier today.
export function daysLate(properties) {
  if (!properties.due_at || properties.is_open === false) return null;
  if (!isLate(properties.due_at)) return null;
  return Date.parse(`${clock.judged || today()}T00:00:00Z`) / DAY - dayNumber(readMoment(properties.due_at));
}
