// The lock: when the app asks for its PIN, the screen that asks, and the one that sets it.

import { make } from "./dom.js";
import { flush } from "./draft.js";
import { MOST_TRIES, PIN_LENGTH, dropPin, isWeak, pinIsPossible, pinIsSet, readWait, setPin, tryPin } from "./pin.js";
import { button, card, field, toast } from "./ui.js";
import { say } from "./words.js";

export const LOCK_MINUTES = 5;
const LOCK_MS = LOCK_MINUTES * 60_000;
const NOTE_MS = 10_000;
const LOOK_MS = 5_000;
const SIGNS = ["pointerdown", "keydown", "input"];

// Locked from the start, but for the minutes after the last touch: the camera of many phones closes
// the page that called it.
export async function startLock(app) {
  const seen = (await app.db.get("meta", "seen")) ?? 0;
  const idle = Date.now() - seen;
  app.locked = (await pinIsSet(app.db)) && !(idle >= 0 && idle < LOCK_MS);
  let last = Date.now();
  let noted = 0;
  const note = () => {
    if (app.locked) return;
    last = Date.now();
    if (last - noted < NOTE_MS) return;
    noted = last;
    app.db.put("meta", last, "seen").catch(() => {});
  };
  for (const sign of SIGNS) addEventListener(sign, note, { capture: true, passive: true });
  const look = async () => {
    if (app.locked || Math.abs(Date.now() - last) < LOCK_MS || !(await pinIsSet(app.db))) return;
    await flush();
    app.locked = true;
    document.querySelector(".toasts")?.replaceChildren();
    // An open question is answered with no: nothing stays usable above the lock.
    for (const one of document.querySelectorAll("dialog[open]")) one.dispatchEvent(new Event("cancel", { cancelable: true }));
    await app.draw();
  };
  setInterval(look, LOOK_MS);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
  app.unlock = () => {
    app.locked = false;
    note();
  };
}

const pinField = (words, oninput) => field(words, { type: "password", inputmode: "numeric", autocomplete: "off", maxlength: String(PIN_LENGTH), oninput });

export async function showLock(app) {
  let pin = "";
  const said = make("p", { class: "problem", role: "alert", hidden: true });
  const tell = (words) => {
    said.textContent = words;
    said.hidden = !words;
  };
  const open = button(say("pin_open"), () => {}, { kind: "primary", type: "submit" });
  const form = make("form", { class: "stack", novalidate: true }, pinField(say("pin"), (value) => (pin = value)), said, open);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    open.disabled = true;
    await judge(app, pin, tell);
    open.disabled = false;
  });
  tell(waitWords(await readWait(app.db)));
  const forgot = button(say("pin_forgot"), () => app.go("login"), { kind: "quiet" });
  const lead = make("div", { class: "welcome" }, make("h2", { text: say("app") }), make("p", { text: say("pin_lead") }));
  return { title: say("pin_title"), body: [lead, form, forgot, make("p", { class: "hint", text: say("pin_forgot_hint") })] };
}

const waitWords = (wait) => (wait ? say("pin_wait", { n: Math.ceil(wait / 1000) }) : "");

async function judge(app, pin, tell) {
  const result = await tryPin(app.db, pin);
  if (result.right) {
    app.unlock();
    return app.draw();
  }
  if (result.wiped) {
    app.locked = false;
    toast(say("pin_wiped"), "bad");
    return app.go("login", { replace: true });
  }
  return tell(waitWords(await readWait(app.db)) || say("pin_wrong", { n: result.left }));
}

// Part of the screen of the person: set it, change it, do without.
export async function pinCard(app) {
  const isSet = await pinIsSet(app.db);
  const possible = pinIsPossible();
  return card(
    {},
    make("h2", { text: say("pin") }),
    make("p", { class: "soft", text: say(possible ? (isSet ? "pin_on" : "pin_off") : "pin_impossible", { n: LOCK_MINUTES }) }),
    possible ? button(say(isSet ? "pin_change" : "pin_set"), () => app.go("pin"), { kind: "wide" }) : null,
  );
}

export async function showPin(app) {
  const typed = { now: "", next: "", again: "" };
  const isSet = await pinIsSet(app.db);
  const part = (name) => pinField(say(`pin_${name}`), (value) => (typed[name] = value));
  const save = button(say("pin_save"), () => savePin(app, typed, isSet), { kind: "primary" });
  const drop = button(say("pin_drop"), () => removePin(app, typed), { kind: "quiet danger" });
  const body = [...(isSet ? [part("now")] : []), part("next"), part("again"), save, ...(isSet ? [drop] : []), make("p", { class: "hint", text: say("pin_rules", { n: LOCK_MINUTES, most: MOST_TRIES }) })];
  return { title: say("pin"), back: "me", body };
}

async function savePin(app, { now, next, again }, isSet) {
  if (!/^\d+$/.test(next) || next.length !== PIN_LENGTH) return toast(say("pin_digits", { n: PIN_LENGTH }), "bad");
  if (isWeak(next)) return toast(say("pin_weak"), "bad");
  if (next !== again) return toast(say("pin_differ"), "bad");
  if (isSet && !(await prove(app, now))) return undefined;
  await setPin(app.db, next);
  app.unlock();
  toast(say("pin_saved"), "good");
  return app.go("me", { replace: true });
}

async function removePin(app, { now }) {
  if (!(await prove(app, now))) return undefined;
  await dropPin(app.db);
  toast(say("pin_dropped"), "good");
  return app.go("me", { replace: true });
}

// The PIN there is, by the same count of tries as at the lock.
async function prove(app, pin) {
  const result = await tryPin(app.db, pin);
  if (result.wiped) {
    toast(say("pin_wiped"), "bad");
    app.go("login", { replace: true });
  } else if (!result.right) toast(waitWords(await readWait(app.db)) || say("pin_wrong", { n: result.left }), "bad");
  return Boolean(result.right);
}
