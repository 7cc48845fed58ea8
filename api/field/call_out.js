// A team that was called out to the flood point of this visit: what it sees and does, step by step.

import { make } from "./dom.js";
import { startVisit } from "./draft.js";
import { saveCallOutStep } from "./record.js";
import { badge, button, card, eventWord, factLine, field, icon, toast } from "./ui.js";
import { formatMoment, say } from "./words.js";

// What this phone recorded of it already, sent or not.
async function listSteps(app, callOut) {
  const rows = [...(await app.db.getAll("events")), ...(await app.db.getAll("received"))];
  const seen = new Map(rows.filter((row) => row.shown?.call_out === callOut.id && row.outcome !== "refused").map((row) => [row.id, row]));
  return [...seen.values()].sort((a, b) => a.seq - b.seq);
}

const openAt = (app, asset) => (asset ? (app.day.call_outs ?? []).find((one) => one.asset_id === asset.id) ?? null : null);

// Null where nobody was called out to.
export async function makeCallOut(app, draft) {
  const callOut = openAt(app, draft.asset);
  if (!callOut) return null;
  const place = make("div", { class: "stack" });
  const fill = async () => place.replaceChildren(renderCallOut(app, draft, callOut, await listSteps(app, callOut), fill));
  await fill();
  return place;
}

function renderCallOut(app, draft, callOut, steps, fill) {
  const done = new Set(steps.map((step) => step.type));
  const arrived = callOut.arrived_at || done.has("team_arrived");
  const gone = done.has("water_gone");
  const given = { depth: "", action: "" };
  const save = async (type, payload) => {
    const kept = await saveCallOutStep(app, draft, callOut, type, payload);
    if (!kept) return;
    toast(`${eventWord(type)} · ${say("saved_waiting")}`, "good");
    await fill();
  };
  const depth = field(say("flood_depth"), { inputmode: "decimal", oninput: (value) => (given.depth = value) });
  const action = field(say("flood_action"), { tag: "textarea", rows: "2", oninput: (value) => (given.action = value) });
  const forms = gone ? [] : [
    arrived ? null : button(eventWord("team_arrived"), () => save("team_arrived", {}), { kind: "primary wide", glyph: "check", "data-step": "team_arrived" }),
    depth, button(say("call_out_depth"), () => saveDepth(given.depth, save), { kind: "wide", "data-step": "water_measured" }),
    action, button(say("call_out_action"), () => saveAction(given.action, save), { kind: "wide", "data-step": "action_taken" }),
    button(eventWord("water_gone"), () => save("water_gone", {}), { kind: "wide", glyph: "check", "data-step": "water_gone" }),
  ].filter(Boolean);
  return card({ kind: "warn call-out", label: say("call_out") }, make("h2", { text: say("call_out") }),
    factLine([callOut.team, say("call_out_at", { when: formatMoment(callOut.called_at) }), callOut.arrived_at ? `${eventWord("team_arrived")} ${formatMoment(callOut.arrived_at)}` : ""]),
    ...steps.map((step) => make("p", { class: "recorded" }, icon("check"), make("span", { text: [eventWord(step.type), step.shown?.description, formatMoment(step.saved_at)].filter(Boolean).join(" · ") }))),
    ...forms);
}

function saveDepth(text, save) {
  const depth_m = Number.parseFloat(String(text).replace(",", "."));
  if (!Number.isFinite(depth_m) || depth_m < 0 || depth_m > 20) return toast(say("call_out_depth_wrong"), "bad");
  return save("water_measured", { depth_m });
}

function saveAction(text, save) {
  const action = text.trim();
  return action ? save("action_taken", { action }) : toast(say("call_out_action_needed"), "bad");
}

// On today's screen, before the day's tasks: who was called out has no task there.
export function callOutCards(app) {
  const assets = new Map(app.day.assets.map((asset) => [asset.id, asset]));
  return (app.day.call_outs ?? []).filter((one) => assets.has(one.asset_id)).map((one) => {
    const asset = assets.get(one.asset_id);
    return card({ kind: "warn", onclick: () => startVisit(app, { asset, choice: "list", category: "flood" }) },
      make("span", { class: "card-text" }, make("strong", { text: asset.name || asset.code }), factLine([one.team, say("call_out_at", { when: formatMoment(one.called_at) })])),
      badge(say("call_out"), "bad"));
  });
}
