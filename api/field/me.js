// Who uses the phone, its language and storage, and what the app is.

import { leaveAccount } from "./account.js";
import { WIPE_DAYS } from "./day.js";
import { make } from "./dom.js";
import { pinCard } from "./lock.js";
import { askPersistence, readStorage } from "./modes.js";
import { button, card, segments } from "./ui.js";
import { currentLanguage, formatBytes, say } from "./words.js";

let install = null;
addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  install = event;
});

export async function showMe(app) {
  app.storage = await readStorage();
  const { account } = app;
  const person = card(
    {},
    make("p", { class: "lead", text: account.name ?? account.login }),
    make("p", { class: "soft", text: account.login }),
    account.expired ? button(say("login_again"), () => app.go(`login/${account.login}`), { kind: "primary" }) : null,
    button(say("switch_person"), async () => {
      await leaveAccount(app.db);
      app.go("login", { replace: true });
    }, { kind: "wide" }),
    make("p", { class: "hint", text: say("switch_hint") }),
  );
  const language = make("section", { class: "stack" }, make("h2", { text: say("language") }), segments(say("language"), [["zh", "中文"], ["en", "English"]], currentLanguage(), app.setLanguage));
  return { title: say("me_title"), tabs: true, body: [person, language, await pinCard(app), storageCard(app), aboutCard(app)] };
}

function storageCard(app) {
  const { persisted, usage, quota } = app.storage;
  const protect = button(say("protect"), async () => {
    await askPersistence();
    app.draw();
  }, { kind: "wide" });
  return card(
    {},
    make("h2", { text: say("storage") }),
    make("p", { text: quota ? say("storage_used", { used: formatBytes(usage), quota: formatBytes(quota) }) : "" }),
    make("p", { class: "soft", text: say(persisted ? "storage_kept" : "storage_loose") }),
    persisted ? null : protect,
    make("p", { class: "hint", text: say("wipe_rule", { n: WIPE_DAYS }) }),
  );
}

function aboutCard(app) {
  const standalone = matchMedia("(display-mode: standalone)").matches;
  const add = button(say("install"), () => install?.prompt(), { kind: "wide", hidden: !install });
  return card({}, button(say("help"), () => app.go("help"), { kind: "wide" }), standalone ? null : add, standalone || install ? null : make("p", { class: "hint", text: say("install_hint") }), make("p", { class: "soft", text: say("build", { build: app.build }) }));
}
