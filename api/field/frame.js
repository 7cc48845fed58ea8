// What stands around every screen: title, counter, what has to be said, the tabs below.

import { make } from "./dom.js";
import { button, icon, iconButton } from "./ui.js";
import { say } from "./words.js";

const TABS = [
  ["today", "today"],
  ["cases", "hazards"],
  ["scan", "scan"],
  ["outbox", "outbox"],
  ["me", "me"],
];
const OLD_DAYS = 3;
const DAY_MS = 86_400_000;

// Where each screen was scrolled to: whoever comes back to a checklist is where they were.
const scrolls = new Map();
let shown = null;

function keepScroll(app) {
  const before = app.root.querySelector("main");
  if (before && shown) scrolls.set(shown, before.scrollTop);
  shown = location.hash;
}

export function drawFrame(app, screen, name, { moved }) {
  const counter = make("a", { class: "counter", href: "#outbox", "aria-live": "polite" });
  const banners = make("div", { class: "banners", role: "status" });
  const back = screen.back && iconButton("back", say("back"), () => app.go(screen.back, { replace: true }), { class: "icon-button back" });
  const header = make(
    "header",
    { class: "bar" },
    back || make("span", { class: "mark", "aria-hidden": "true" }, icon("check")),
    make("h1", { text: screen.title, tabindex: "-1" }),
    app.account ? counter : null,
  );
  const body = make("main", { class: `screen screen-${name}` }, ...screen.body);
  const foot = screen.foot ? make("div", { class: "actions" }, ...screen.foot) : null;
  keepScroll(app);
  app.root.replaceChildren(header, banners, body, ...(foot ? [foot] : []), ...(screen.tabs ? [makeTabs(app, name)] : []));
  body.scrollTop = scrolls.get(location.hash) ?? 0;
  if (moved) header.querySelector("h1").focus({ preventScroll: true });
  drawFrame.update = (state) => {
    fillCounter(state, counter);
    banners.replaceChildren(...listBanners(state));
    app.root.querySelector(".tab-count")?.replaceWith(countUnsent(state));
  };
  drawFrame.update(app);
}

function makeTabs(app, current) {
  const tabs = TABS.map(([name, glyph]) =>
    make(
      "a",
      { class: `tab tab-${name}`, href: `#${name}`, "aria-current": name === current ? "page" : null },
      icon(glyph),
      make("span", { text: say(`tab_${glyph}`) }),
      name === "outbox" ? countUnsent(app) : null,
    ),
  );
  return make("nav", { class: "tabs", "aria-label": say("app") }, ...tabs);
}

function countUnsent({ counts }) {
  const left = counts.recorded - counts.received;
  return make("span", { class: "tab-count", "aria-hidden": "true", hidden: !left, text: String(left) });
}

function fillCounter({ counts, sender }, counter) {
  const whole = counts.received === counts.recorded && !counts.photos;
  counter.className = `counter ${counts.attention ? "is-bad" : whole ? "is-whole" : "is-partly"} ${sender?.state === "sending" && !whole ? "is-sending" : ""}`;
  counter.replaceChildren(make("span", { text: `${counts.received}/${counts.recorded}` }));
  counter.setAttribute("aria-label", say("received_sentence", { n: counts.received, total: counts.recorded }));
  counter.hidden = counts.recorded === 0;
}

function listBanners(app) {
  if (app.locked) return [];
  const said = [];
  const add = (text, action = null, kind = "") => said.push(make("div", { class: `banner ${kind}` }, make("p", { text }), action));
  for (const reason of app.mode.reasons) add(`${say(`why_${reason}`)}${reason === "embedded" ? `。${say("open_in_browser")}` : ""}`);
  if (app.update) add(say("update_ready"), button(say("update_now"), () => app.update.postMessage("take over"), { kind: "small" }), "good");
  if (app.expired && app.account) {
    add(say("login_banner", { name: app.expired.name ?? app.expired.login }), button(say("login_again"), () => app.go(`login/${app.expired.login}`), { kind: "small" }), "bad");
  }
  const { counts, storage } = app;
  if (counts.attention) add(say("attention_banner", { n: counts.attention }), look(app), "bad");
  if (counts.handed) add(say("handed_banner", { n: counts.handed }), look(app), "bad");
  if (counts.refused) add(say("refused_banner", { n: counts.refused }), look(app), "bad");
  const days = counts.oldest ? Math.floor((Date.now() - Date.parse(counts.oldest)) / DAY_MS) : 0;
  if (days >= OLD_DAYS) add(say("old_banner", { n: days }), look(app));
  if (storage?.nearlyFull) add(say("full_banner"), null, "bad");
  return said;
}

const look = (app) => button(say("look"), () => app.go("outbox"), { kind: "small" });
