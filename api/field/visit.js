// A visit: what was checked, who was there; a record even when nothing was found.

import { makeCallOut } from "./call_out.js";
import { dropDraft, findForm, keepDraft, keepSoon, listItems, makeFinding, readDraft } from "./draft.js";
import { make } from "./dom.js";
import { listHazards } from "./known.js";
import { positionLine } from "./place.js";
import { saveVisit } from "./record.js";
import { isSigned, makeSigning, unitSigns } from "./signing.js";
import { makeTeam } from "./team.js";
import { ask, badge, button, card, categoryWord, factLine, field, icon, segments, severityBadge, stateWord, toast } from "./ui.js";
import { pick, say } from "./words.js";

const MANY = 12;

export async function showVisit(app, [id]) {
  const draft = await readDraft(app, id);
  if (!draft || draft.kind !== "visit") return app.go("today", { replace: true });
  app.positioning.start();
  const line = positionLine(app, { asset: draft.asset });
  const here = draft.asset ? (await listHazards(app)).filter((hazard) => hazard.asset_id === draft.asset.id) : [];
  const checks = make("div", { class: "stack" });
  const fill = () => checks.replaceChildren(...(draft.result === "inspected" ? listChecks(app, draft, fill) : [noEntryNote(draft)].filter(Boolean)));
  fill();
  const body = [
    visitHead(draft, line),
    ...[await makeCallOut(app, draft)].filter(Boolean),
    ...openHere(app, draft, here),
    pickResult(app, draft, fill),
    checks,
    ...(draft.category === "flood" ? [floodFields(app, draft)] : []),
    makeTeam(app, draft),
    ...(unitSigns(app, draft) ? [await offerSigning(app, draft)] : []),
    field(say("note"), { tag: "textarea", rows: "2", value: draft.note, oninput: (value) => set(app, draft, "note", value) }),
    button(say("drop_visit"), () => discard(app, draft), { kind: "quiet danger" }),
  ];
  const finish = button(say("finish_visit"), () => finishVisit(app, draft), { kind: "primary", glyph: "check" });
  return { title: draft.asset?.name || draft.asset?.code || categoryWord(draft.category), back: "today", body, foot: [finish], leave: line.stop };
}

function set(app, draft, name, value) {
  draft[name] = value;
  keepSoon(app, draft);
}

function visitHead(draft, line) {
  const facts = factLine([draft.asset ? draft.asset.code : draft.scanned_code, draft.asset?.address]);
  return make("section", { class: "visit-head" }, make("div", { class: "badges" }, badge(categoryWord(draft.category)), facts), line.element);
}

function openHere(app, draft, hazards) {
  if (!hazards.length) return [];
  const rows = hazards.map((hazard) =>
    make(
      "div",
      { class: "open-row" },
      make("div", { class: "card-text" }, make("strong", { text: hazardName(app, hazard) }), make("span", { class: "badges" }, severityBadge(hazard.severity), badge(stateWord(hazard.state), "plain"), factLine([hazard.code]))),
      button(say("add_to_it"), () => app.go(`case/${hazard.id}/commented/${draft.id}`), { kind: "small", glyph: "add" }),
    ),
  );
  return [card({ kind: "warn", label: say("open_hazards_here") }, make("h2", { text: say("open_hazards_here") }), ...rows)];
}

// In words a person knows: the item's, else what the finder wrote.
export function hazardName(app, hazard) {
  const items = app.day.forms.flatMap((form) => form.checklist ?? []);
  const item = items.find((one) => one.item === hazard.item);
  return pick(item?.text) || hazard.description || hazard.item || say("other_item");
}

function pickResult(app, draft, fill) {
  const known = findForm(app, draft)?.visit_results?.map((one) => one.value) ?? ["no_entry", ...(draft.category === "flood" ? ["dry"] : [])];
  const results = ["inspected", "dry", "no_entry"].filter((key) => key === "inspected" || known.includes(key)).map((key) => [key, say(key)]);
  return segments(say("visit_kind"), results, draft.result, (key) => {
    draft.result = key;
    keepDraft(app, draft);
    fill();
  });
}

// Nobody has to sign a visit without a finding; who wants to, can.
async function offerSigning(app, draft) {
  draft.signing ??= { signature: null, signer: "", refuses: false, refused_reason: "" };
  return make("details", { class: "other", open: isSigned(draft.signing) }, make("summary", { text: say("signature_optional") }), await makeSigning(app, draft, draft.signing));
}

function noEntryNote(draft) {
  return draft.result === "no_entry" ? make("p", { class: "note", text: say("no_entry_hint") }) : null;
}

function listChecks(app, draft, fill) {
  const items = listItems(app, draft);
  const rows = items.map((item) => checkRow(app, draft, item, fill));
  const open = items.some(({ item }) => !draft.checklist[item]);
  const rest = button(say("rest_pass"), () => {
    for (const { item } of items) draft.checklist[item] ??= "pass";
    keepDraft(app, draft);
    fill();
  }, { kind: "wide", glyph: "check", hidden: !open });
  const lead = items.length > MANY ? findField(items, rows) : items.length ? make("h2", { text: say("checklist") }) : make("p", { class: "soft", text: say("no_form") });
  const others = draft.findings.filter((one) => !one.item);
  const other = button(others.length ? `${say("other_hazard")} · ${say("item_unfinished")}` : say("other_hazard"), () => openFinding(app, draft, null), { kind: "wide", glyph: "add" });
  const recorded = draft.recorded.filter((one) => !one.item).map(recordedMark);
  return [lead, ...typeNote(app, draft, items, fill), ...rows, rest, ...recorded, other];
}

// Whose items these are, and the way to the others: what the register says of a site may be wrong.
function typeNote(app, draft, items, fill) {
  const all = findForm(app, draft)?.checklist ?? [];
  if (!all.some((one) => one.applies_to?.length)) return [];
  if (!draft.asset?.site_type) return [make("p", { class: "soft", text: say("items_no_type") })];
  if (items.length === all.length) return [];
  return [button(say("items_others", { n: items.length, rest: all.length - items.length }), async () => {
    draft.every_item = true;
    await keepDraft(app, draft);
    fill();
  }, { kind: "quiet" })];
}

// A long checklist is searched, not scrolled.
function findField(items, rows) {
  return field(`${say("checklist")} (${items.length})`, {
    type: "search",
    placeholder: say("find_item"),
    oninput: (value) => {
      const wanted = value.trim().toLowerCase();
      rows.forEach((row, at) => (row.hidden = !pick(items[at].text).toLowerCase().includes(wanted)));
    },
  });
}

function recordedMark({ code }) {
  return make("p", { class: "recorded" }, icon("check"), make("span", { text: `${say("item_recorded")} ${code}` }));
}

function checkRow(app, draft, item, fill) {
  const key = item.item;
  const recorded = draft.recorded.filter((one) => one.item === key);
  const unfinished = draft.findings.some((one) => one.item === key);
  const marks = segments(pick(item.text), [["pass", say("pass"), "good"], ["fail", say("fail"), "bad"], ["na", say("na")]], draft.checklist[key] ?? null, (result) => {
    draft.checklist[key] = result;
    keepDraft(app, draft);
    if (result === "fail" && !recorded.length) return openFinding(app, draft, key);
    return fill();
  });
  const source = [pick(item.source), item.mark === "unverified" ? say("unverified") : ""].filter(Boolean).join(" · ");
  return make(
    "section",
    { class: "check", "data-item": key },
    make("p", { class: "check-text", text: pick(item.text) }),
    make("div", { class: "badges" }, severityBadge(item.severity), source ? make("span", { class: "soft small", text: source }) : null),
    marks,
    unfinished ? button(`${say("item_unfinished")} · ${say("go_on")}`, () => openFinding(app, draft, key), { kind: "small bad", glyph: "pen" }) : null,
    ...recorded.map(recordedMark),
  );
}

async function openFinding(app, draft, key) {
  let finding = draft.findings.find((one) => one.item === key);
  if (!finding) {
    finding = makeFinding(key);
    draft.findings.push(finding);
    await keepDraft(app, draft);
  }
  app.go(`hazard/${draft.id}/${finding.hazard_id}`);
}

function floodFields(app, draft) {
  const part = (name, words, rest = {}) => field(words, { value: draft.flood[name] ?? "", oninput: (value) => set(app, draft, "flood", { ...draft.flood, [name]: value }), ...rest });
  return make(
    "section",
    { class: "stack" },
    part("depth_m", say("flood_depth"), { inputmode: "decimal" }),
    part("level", say("flood_level")),
    part("action", say("flood_action")),
    part("called_out_at", say("flood_called"), { type: "datetime-local" }),
    part("arrived_at", say("flood_arrived"), { type: "datetime-local" }),
    part("water_gone_at", say("flood_gone"), { type: "datetime-local" }),
  );
}

async function discard(app, draft) {
  const chosen = await ask(say("drop_title"), say("drop_text"), [["yes", say("drop_yes"), "danger"], ["no", say("cancel")]]);
  if (chosen !== "yes") return;
  await dropDraft(app, draft);
  app.go("today", { replace: true });
}

async function finishVisit(app, draft) {
  const items = listItems(app, draft);
  const open = draft.result === "inspected" ? items.filter(({ item }) => !draft.checklist[item]).length : 0;
  await app.busy;
  if (draft.team.length < 2) return toast(say("team_needed"), "bad");
  if (draft.findings.length) return toast(say("finish_draft"), "bad");
  if (open) return toast(say("finish_open", { n: open }), "bad");
  await app.db.put("meta", draft.team, "team");
  if (!(await saveVisit(app, draft))) return undefined;
  toast(`${say("visit_saved")} · ${say("saved_waiting")}`, "good");
  return app.go("today", { replace: true });
}
