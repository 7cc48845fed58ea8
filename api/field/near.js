// Which of today's assets is this? Candidates within the error of the position; where several fit,
// nobody but the person can tell.

import { startVisit } from "./draft.js";
import { make } from "./dom.js";
import { positionLine } from "./place.js";
import { findNear } from "./position.js";
import { badge, button, card, categoryWord, factLine, icon, segments } from "./ui.js";
import { formatDistance, say } from "./words.js";

const LEAST_REACH_M = 30;

export async function showNear(app) {
  let category = null;
  app.positioning.start();
  const line = positionLine(app);
  const list = make("div", { class: "stack" });
  const fill = () => list.replaceChildren(...listCandidates(app, category));
  app.positioning.listeners.add(fill);
  fill();
  const kinds = [...new Set(app.day.assets.map((asset) => asset.category).filter(Boolean))];
  const filter = kinds.length > 1
    ? segments(say("near_category"), [[null, say("near_all")], ...kinds.slice(0, 3).map((key) => [key, categoryWord(key)])], null, (key) => {
        category = key;
        fill();
      })
    : null;
  const body = [line.element, ...(filter ? [filter] : []), list, otherPlace(app)];
  const leave = () => {
    line.stop();
    app.positioning.listeners.delete(fill);
  };
  return { title: say("near_title"), back: "today", body, leave, foot: [button(say("scan_title"), () => app.go("scan"), { glyph: "scan", kind: "wide" })] };
}

function listCandidates(app, category) {
  const fix = app.positioning.best;
  if (!fix) return [];
  const { near, ambiguous } = findNear(app.day.assets, fix, category);
  if (!near.length) return [make("p", { class: "soft", text: say("near_none", { n: Math.round(Math.max(LEAST_REACH_M, 2 * fix.accuracy_m)) }) })];
  const cards = near.map(({ asset, distance }, index) =>
    card(
      { kind: "task", onclick: () => startVisit(app, { asset, choice: "nearest", category: asset.category ?? category }) },
      make(
        "span",
        { class: "card-text" },
        make("strong", { text: asset.name || asset.code || say("unnamed") }),
        factLine([asset.code, formatDistance(distance)]),
        make("span", { class: "badges" }, badge(categoryWord(asset.category)), index === 0 && !ambiguous ? badge(say("near_nearest"), "good") : null),
      ),
      icon("next"),
    ),
  );
  return ambiguous ? [make("p", { class: "note warn", role: "alert", text: say("near_ambiguous") }), ...cards] : cards;
}

function otherPlace(app) {
  const keys = app.day.forms.length ? app.day.forms.map((form) => form.key) : ["gas", "flood", "village_fire", "road", "other"];
  const buttons = keys.map((key) => button(categoryWord(key), () => startVisit(app, { category: key }), { kind: "choice" }));
  return make("details", { class: "other" }, make("summary", { text: say("near_other") }), make("div", { class: "choices" }, ...buttons));
}
