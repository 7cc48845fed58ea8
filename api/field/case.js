// One hazard: what is known of it, what this person may do, and doing it.

import { ACTS } from "./acts.js";
import { dueBadge } from "./cases.js";
import { keepSoon, readDraft } from "./draft.js";
import { make } from "./dom.js";
import { listHazards, listPending } from "./known.js";
import { photoTile } from "./photos.js";
import { positionLine } from "./place.js";
import { saveAct } from "./record.js";
import { badge, button, card, eventWord, factLine, field, severityBadge, stateWord, toast } from "./ui.js";
import { makeUuid7 } from "./uuid7.js";
import { hazardName } from "./visit.js";
import { pick, say } from "./words.js";

export async function showCase(app, [id, type = null, visitId = null]) {
  const hazard = (await listHazards(app)).find((one) => one.id === id);
  if (!hazard) return app.go("cases", { replace: true });
  if (type && ACTS[type]) return showAct(app, hazard, type, visitId);
  const pending = await listPending(app, id);
  const refused = (await app.db.getAll("received")).filter((one) => one.hazard_id === id && one.outcome === "refused");
  const body = [caseFacts(app, hazard), ...pending.map((row) => make("p", { class: "note", text: say("act_waiting", { what: eventWord(row.type) }) })), ...refused.map(refusalNote)];
  // What is under way decides what comes next: one transition at a time, comments always.
  const moving = pending.some((row) => row.type !== "commented" && row.type !== "controlled");
  const allowed = [...new Set([...(hazard.allowed ?? []), "commented"])].filter((one) => ACTS[one] && (!moving || one === "commented"));
  body.push(make("h2", { text: say("actions") }), make("div", { class: "stack" }, ...allowed.map((one) => button(one === "commented" ? say("add_to_it") : eventWord(one), () => app.go(`case/${id}/${one}`), { kind: `wide ${ACTS[one].kind}` }))));
  const again = () => app.draw();
  document.addEventListener("outbox-changed", again, { once: true });
  return { title: hazard.code || say("hazard_title"), back: "cases", body, leave: () => document.removeEventListener("outbox-changed", again) };
}

export function refusalNote(one) {
  return make("div", { class: "note bad" }, make("strong", { text: say("act_refused", { what: eventWord(one.type) }) }), make("p", { text: pick(one.reason) }));
}

function caseFacts(app, hazard) {
  const asset = app.day.assets.find((one) => one.id === hazard.asset_id);
  const facts = [[say("asset"), asset && factLine([asset.name, asset.code], "")], [say("description"), hazard.description]].filter(([, value]) => value);
  return card(
    {},
    make("p", { class: "lead", text: hazardName(app, hazard) }),
    make("span", { class: "badges" }, severityBadge(hazard.severity), badge(stateWord(hazard.state), "plain"), dueBadge(app, hazard)),
    make("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [make("dt", { text: name }), make("dd", {}, value)])),
  );
}

async function openAct(app, hazard, type, visitId) {
  const known = (await app.db.getAll("drafts")).find((one) => one.kind === "act" && one.hazard_id === hazard.id && one.type === type && one.account === app.account.id);
  if (known) return readDraft(app, known.id);
  // Kept with its first photo or word.
  return { kind: "act", id: makeUuid7(), account: app.account.id, hazard_id: hazard.id, code: hazard.code, category: hazard.category, type, visit_id: visitId, photos: [], note: "" };
}

async function showAct(app, hazard, type, visitId) {
  const act = ACTS[type];
  const draft = await openAct(app, hazard, type, visitId);
  app.positioning.start();
  const line = positionLine(app, { asset: app.day.assets.find((one) => one.id === hazard.asset_id) });
  const tile = photoTile(app, draft, draft.photos, act.photo);
  tile.classList.add("wide");
  const words = field(say(act.reason ? "reason" : "note"), { tag: "textarea", rows: "3", maxlength: "2000", value: draft.note, oninput: (value) => {
    draft.note = value;
    keepSoon(app, draft);
  } });
  const back = visitId ? `visit/${visitId}` : `case/${hazard.id}`;
  const save = button(say("act_save"), () => finishAct(app, draft, hazard, act, back), { kind: "primary", glyph: "check" });
  return { title: eventWord(type), back, body: [caseFacts(app, hazard), make("div", { class: "tiles one" }, tile), words, line.element], foot: [save], leave: line.stop };
}

async function finishAct(app, draft, hazard, act, back) {
  await app.busy;
  if (act.photoNeeded && !draft.photos.length) return toast(say("photo_needed", { names: say(`photo_${act.photo}`) }), "bad");
  if (act.reason && !draft.note.trim()) return toast(say("reason_needed"), "bad");
  if (!draft.note.trim() && !draft.photos.length) return toast(say("something_needed"), "bad");
  const pending = await listPending(app, hazard.id);
  if (!(await saveAct(app, draft, hazard, act, pending.length))) return undefined;
  toast(say("act_saved", { what: eventWord(draft.type) }), "good");
  return app.go(back, { replace: true });
}
