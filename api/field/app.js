// The frame: what the phone can do, who uses it, which screen is open, what has to be said.

import { currentAccount, listAccounts, markExpired, tokenOf } from "./account.js";
import { LoginNeededError } from "./answers.js";
import { fetchDay, fetchOutline, noteContact, readDay, wipeIfStale } from "./day.js";
import { make } from "./dom.js";
import { flush } from "./draft.js";
import { drawFrame } from "./frame.js";
import { readHanded } from "./handed.js";
import { startLock } from "./lock.js";
import { askPersistence, detectMode, readStorage } from "./modes.js";
import { countOutbox, getDevice } from "./outbox.js";
import { dropPin } from "./pin.js";
import { showPlainForm } from "./plain.js";
import { Positioning } from "./position.js";
import { takeIn } from "./record.js";
import { SCREENS } from "./screens.js";
import { Sender } from "./send.js";
import { onChange, openStore } from "./store.js";
import { toast } from "./ui.js";
import { say, useLanguage } from "./words.js";

const app = {
  build: document.body.dataset.build,
  db: null,
  mode: null,
  account: null,
  expired: null,
  day: null,
  counts: null,
  storage: null,
  update: null,
  positioning: new Positioning(),
  root: make("div", { class: "app" }),
  hash: "",
  // A photo or signature that is being kept: what is saved waits for it.
  busy: null,
  // Its PIN is asked for: nothing but that, or a login, is shown.
  locked: false,
  go,
  draw,
  refreshDay,
  setLanguage,
  enter,
};

function go(hash, { replace = false } = {}) {
  if (location.hash === `#${hash}`) return draw();
  if (replace) history.replaceState(null, "", `#${hash}`);
  else location.hash = hash;
  return replace ? draw() : undefined;
}

function setLanguage(language) {
  try {
    localStorage.setItem("language", language);
  } catch {
    // Nothing can be kept here: the choice holds until the page is closed.
  }
  useLanguage(language);
  return draw();
}

function firstLanguage() {
  const asked = new URLSearchParams(location.search).get("lang");
  let kept = null;
  try {
    kept = localStorage.getItem("language");
  } catch {
    // As above.
  }
  return asked || kept || (navigator.language.startsWith("zh") ? "zh" : "en");
}

let drawing = 0;

// Draws the screen the address names; an older drawing that is still under way gives up.
async function draw() {
  const turn = ++drawing;
  await flush();
  await readState();
  const [name, ...rest] = decodeURIComponent(location.hash.slice(1) || "today").split("/");
  const allowed = chooseScreen(name);
  const show = SCREENS[allowed] ?? SCREENS.today;
  const screen = await show(app, allowed === name ? rest : []);
  if (turn !== drawing || !screen) return screen?.leave?.();
  app.leave?.();
  app.leave = screen.leave;
  const moved = app.hash !== location.hash;
  app.hash = location.hash;
  drawFrame(app, screen, SCREENS[allowed] ? allowed : "today", { moved });
  if (moved && (app.counts.received < app.counts.recorded || app.counts.photos)) app.sender.glance();
  return undefined;
}

function chooseScreen(name) {
  if (app.locked) return name === "login" ? name : "lock";
  return app.account || name === "scan" ? name : "login";
}

async function readState() {
  app.account = await currentAccount(app.db);
  app.expired = (await listAccounts(app.db)).find((one) => one.expired) ?? null;
  app.counts = { ...(await countOutbox(app.db)), handed: readHanded().length };
  app.day = app.account ? await readDay(app.db, app.account.id) : null;
  app.contact = await app.db.get("meta", "contact");
}

// What changes while a screen is open: numbers and banners, never what somebody is typing.
let announced = null;
function announce() {
  clearTimeout(announced);
  announced = setTimeout(async () => {
    await readState();
    drawFrame.update?.(app);
    document.dispatchEvent(new CustomEvent("outbox-changed"));
  }, 60);
}

async function refreshDay() {
  if (!app.account || app.account.expired) return false;
  try {
    app.day = await fetchDay(app.db, app.account);
    fetchOutline(app.db).catch(() => {});
    return true;
  } catch (error) {
    if (error instanceof LoginNeededError) await expire(app.account.id);
    else if (!(error instanceof TypeError || error instanceof SyntaxError || error instanceof DOMException)) throw error;
    return false;
  }
}

async function expire(accountId) {
  await markExpired(app.db, accountId);
  announce();
}

// After a login: the day, then what waited for this person.
async function enter() {
  if (app.locked) await forgetPin();
  await readState();
  await askPersistence().catch(() => false);
  await refreshDay();
  app.storage = await readStorage();
  app.sender.now();
  go("today", { replace: true });
}

// Who logged in instead of typing the PIN has proved who they are: it is set anew, or not.
async function forgetPin() {
  await dropPin(app.db);
  app.unlock();
  toast(say("pin_forgotten"));
}

async function watchWorker() {
  if (!app.mode.worker) return;
  const registration = await navigator.serviceWorker.register("/field/sw.js", { scope: "/field", updateViaCache: "none" });
  const offer = (worker) => {
    if (!worker || !navigator.serviceWorker.controller) return;
    app.update = worker;
    announce();
  };
  offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const worker = registration.installing;
    worker.addEventListener("statechange", () => worker.state === "installed" && offer(worker));
  });
  let reloaded = false;
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (app.update && !reloaded) location.reload();
    reloaded = true;
  });
  setInterval(() => registration.update().catch(() => {}), 3_600_000);
}

async function start() {
  useLanguage(firstLanguage());
  app.mode = await detectMode();
  document.getElementById("opening").remove();
  document.body.append(app.root);
  if (app.mode.level === "plain") return showPlainForm(app);
  app.db = await openStore({ onOutdated: () => location.reload() });
  await getDevice(app.db);
  await takeIn(app);
  if (await wipeIfStale(app.db)) toast(say("wiped"));
  await startLock(app);
  app.sender = new Sender({
    db: app.db,
    tokenOf: (account) => tokenOf(app.db, account),
    onLoginNeeded: expire,
    onReached: () => noteContact(app.db),
  });
  app.storage = await readStorage();
  addEventListener("hashchange", draw);
  onChange(announce);
  takeEnrolment();
  await draw();
  document.body.dataset.ready = "true";
  watchWorker().catch(() => {});
  await app.sender.start();
  if (await refreshDay()) await draw.soft?.();
  setInterval(everyMinute, 60_000);
}

// A page that is left open for days obeys the rule, too.
async function everyMinute() {
  app.storage = await readStorage();
  await takeIn(app);
  if (await wipeIfStale(app.db)) {
    app.locked = false;
    await draw();
    toast(say("wiped"));
  }
}

// An enrolment code arrives behind the #, so that no server log ever holds it.
function takeEnrolment() {
  const [name, code] = location.hash.slice(1).split("=");
  if (name !== "enrol" || !code) return;
  app.enrolment = decodeURIComponent(code).slice(0, 200);
  history.replaceState(null, "", "#login");
}

// The list may be drawn anew when the day arrives, an open form may not.
draw.soft = () => (/^#?(today|cases)?$/.test(location.hash) ? draw() : undefined);

start();
