// Today: what is left to do, as a list or on a map.

import { callOutCards } from "./call_out.js";
import { make } from "./dom.js";
import { openAssetMap } from "./map.js";
import { distanceM } from "./position.js";
import { badge, button, card, categoryWord, eventWord, factLine, icon, segments } from "./ui.js";
import { dropDraft, startVisit } from "./draft.js";
import { formatDate, formatDistance, formatWhen, pick, say } from "./words.js";

let view = "list";
let oneCampaign = false;

export async function showToday(app) {
  const done = await listDone(app.db);
  const assets = new Map(app.day.assets.map((asset) => [asset.id, asset]));
  const tasks = app.day.tasks.map((task) => ({ task, asset: assets.get(task.asset_id) ?? null }));
  const isDone = ({ task }) => done.get(task.id) === "done" || /^(done|dropped)$/.test(task.state ?? "");
  for (const { task } of tasks) if (done.get(task.id) === "no_entry") task.state = "no_entry";
  const left = sortTasks(tasks.filter((one) => !isDone(one)), app.positioning.best);
  const drafts = await listDrafts(app);
  const screen = { title: say("tab_today"), tabs: true, body: [] };
  screen.body.push(makeHead(app, left.length, tasks.length - left.length));
  const campaigns = new Set(app.day.tasks.map((task) => pick(task.campaign)));
  oneCampaign = campaigns.size === 1;
  if (oneCampaign && [...campaigns][0]) screen.body.push(make("p", { class: "soft", text: [...campaigns][0] }));
  screen.body.push(...callOutCards(app));
  for (const draft of drafts) screen.body.push(draftCard(app, draft));
  const place = make("div", { class: "today" });
  const fill = () => {
    screen.leave?.();
    screen.leave = null;
    place.replaceChildren();
    if (view === "map") screen.leave = fillMap(app, place, left);
    else place.append(...listTasks(app, left), ...doneList(app, tasks.filter(isDone)));
  };
  if (tasks.length) {
    const pickView = segments(say("map_label"), [["list", say("as_list")], ["map", say("as_map")]], view, (key) => {
      view = key;
      fill();
    });
    screen.body.push(pickView);
  }
  screen.body.push(place, button(say("somewhere"), () => app.go("near"), { glyph: "target", kind: "wide" }));
  fill();
  const leave = () => screen.leave?.();
  return { ...screen, leave };
}

async function listDone(db) {
  const rows = [...(await db.getAll("events")), ...(await db.getAll("received"))];
  const visits = rows.filter((row) => row.type === "visited" && row.task_id && row.outcome !== "refused");
  // Nobody there is no check: it stays to do, last.
  return new Map(visits.sort((a, b) => a.seq - b.seq).map((row) => [row.task_id, row.shown.result === "no_entry" ? "no_entry" : "done"]));
}

function sortTasks(tasks, fix) {
  const far = ({ asset }) => (fix && asset ? distanceM(fix, asset) : 0);
  const due = ({ task }) => task.due_on ?? "9999";
  const again = ({ task }) => task.state === "no_entry";
  return tasks.sort((a, b) => again(a) - again(b) || far(a) - far(b) || due(a).localeCompare(due(b)) || name(a).localeCompare(name(b)));
}

const name = ({ asset }) => String(asset?.name ?? asset?.code ?? "");

function makeHead(app, left, done) {
  const fetched = app.day.fetched_at;
  const big = !fetched ? say("no_day") : left ? say("to_go", { n: left }) : done ? say("all_done") : say("no_tasks");
  const facts = [done ? say("done_today", { n: done }) : left ? "" : say("no_tasks_hint"), fetched && say("fetched", { date: formatWhen(fetched) })];
  const again = button(say("refresh"), async () => {
    await app.refreshDay();
    app.sender.now();
    await app.draw();
  }, { kind: "small", glyph: "again" });
  const total = left + done;
  const meter = total ? make("progress", { class: "meter", max: String(total), value: String(done), "aria-label": big }) : null;
  return make("div", { class: "head" }, make("p", { class: "big", text: big }), meter, make("div", { class: "row spread" }, factLine(facts), again));
}

// A visit that was opened and left again without a word is none.
async function listDrafts(app) {
  const drafts = (await app.db.getAll("drafts")).filter((draft) => draft.account === app.account.id);
  for (const draft of drafts.filter(isUntouched)) await dropDraft(app, draft);
  return drafts.filter((draft) => !isUntouched(draft));
}

const isUntouched = (draft) =>
  draft.kind === "visit" && draft.result === "inspected" && !draft.findings.length && !draft.recorded.length && !draft.note && !Object.keys(draft.checklist).length && !Object.keys(draft.flood).length;

function draftCard(app, draft) {
  const isAct = draft.kind === "act";
  const what = isAct ? eventWord(draft.type) : draft.asset?.name || draft.asset?.code || categoryWord(draft.category);
  return card(
    { kind: "draft", onclick: () => app.go(isAct ? `case/${draft.hazard_id}/${draft.type}` : `visit/${draft.id}`) },
    icon("pen"),
    make("span", { class: "card-text" }, make("strong", { text: what || say("unnamed") }), make("span", { class: "soft", text: isAct ? draft.code ?? "" : say("unfinished") })),
    make("span", { class: "go", text: say("go_on") }),
  );
}

function listTasks(app, left) {
  return left.map(({ task, asset }) => taskCard(app, task, asset));
}

function taskCard(app, task, asset) {
  const open = app.day.hazards.filter((hazard) => hazard.asset_id === task.asset_id && hazard.is_open).length;
  const fix = app.positioning.best;
  const facts = [asset?.code, fix && asset ? formatDistance(distanceM(fix, asset)) : null, asset?.address];
  return card(
    { kind: "task", onclick: () => startVisit(app, { asset, choice: "list", task }) },
    make(
      "span",
      { class: "card-text" },
      make("strong", { text: asset?.name || asset?.code || say("unnamed") }),
      factLine(facts),
      make("span", { class: "badges" }, badge(categoryWord(task.category)), task.state === "no_entry" ? badge(say("no_entry"), "warn") : null, open ? badge(say("open_here", { n: open }), "warn") : null, task.due_on ? badge(dueWords(task), "plain date") : null, task.campaign && !oneCampaign ? badge(pick(task.campaign), "plain") : null),
    ),
    icon("next"),
  );
}

function dueWords(task) {
  return task.due_on <= formatDate(Date.now()) ? say("due_today") : say("due", { date: task.due_on });
}

function doneList(app, done) {
  if (!done.length) return [];
  const rows = done.map(({ asset }) => make("li", {}, icon("check"), make("span", { text: asset?.name || asset?.code || say("unnamed") })));
  return [make("details", { class: "done" }, make("summary", { text: say("done_today", { n: done.length }) }), make("ul", {}, ...rows))];
}

function fillMap(app, place, left) {
  const frame = make("div", { class: "map", role: "application", "aria-label": say("map_label"), tabindex: "0" });
  const picked = make("div", { class: "picked", "aria-live": "polite" }, make("p", { class: "soft", text: say("map_hint") }));
  place.append(frame, picked);
  const tasks = new Map(left.map(({ task, asset }) => [asset?.id, { task, asset }]));
  app.positioning.start();
  return openAssetMap(app, frame, {
    assets: left.map(({ asset }) => asset).filter(Boolean),
    onpick: (asset) => {
      const { task } = tasks.get(asset.id);
      const begin = taskCard(app, task, asset);
      const fresh = begin.cloneNode(true);
      fresh.addEventListener("click", () => startVisit(app, { asset, choice: "tap", task }));
      picked.replaceChildren(fresh);
    },
  });
}
