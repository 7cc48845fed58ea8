// A hazard the office logs itself: a hotline's call, a company's own report, an inspection from above.

import { ask } from "./ask.js";
import { optionsOf } from "./parts.js";
import { openRecord } from "./record_form.js";
import { ROLES, VOCABULARY } from "./vocabulary.js";
import { pick, say } from "./words.js";

// Where an asset of a category is looked for by its code.
const KINDS = {
  gas: ["gas_site"],
  flood: ["flood_point", "storm_inlet"],
  sewer: ["sewer_manhole", "storm_inlet", "sewage_facility", "sewer_pipe"],
  road: ["road"],
  village_fire: ["traditional_village"],
  site: ["project"],
  land: ["land_plot"],
  other: ["pocket_park", "gas_site", "sewer_manhole", "road", "project"],
};

export const mayLog = (office) => Boolean(office.start.person?.capacities.some((role) => ROLES.found.includes(role)));

export function openLog(office, done) {
  const fields = [
    { name: "category", label: say("category"), kind: "select", options: optionsOf("category", "—"), needed: true },
    { name: "origin", label: say("origin"), kind: "select", options: optionsOf("origin", "—"), value: "hotline", needed: true },
    { name: "item", label: say("item"), kind: "select", options: listItems(), hint: say("log_item_hint") },
    { name: "severity", label: say("severity"), kind: "select", options: optionsOf("severity", "—"), hint: say("log_severity_hint") },
    { name: "description", label: say("f_note"), kind: "long", needed: true },
    { name: "code", label: say("log_code"), hint: say("log_code_hint") },
    { name: "place", label: say("log_place"), hint: say("log_place_hint") },
    { name: "duty_holder", label: say("duty_holder") },
    { name: "use_suspended", label: say("f_use_suspended"), kind: "tick" },
    { name: "supervision_listed", label: say("f_supervision_listed"), kind: "tick" },
  ];
  openRecord({ office, title: say("log_hazard"), type: "found", fields, done, prepare });
}

const listItems = () => [["", "—"], ...Object.entries(VOCABULARY.item).map(([key, words]) => [key, `${pick(VOCABULARY.category[key.split(".")[0]])} · ${pick(words)}`])];

async function prepare({ code, place, ...payload }) {
  if (payload.item && !payload.item.startsWith(`${payload.category}.`)) throw new Error(say("log_other_item"));
  const asset = code ? await findAsset(payload.category, code) : null;
  if (code && !asset) throw new Error(say("log_no_asset", { code }));
  const point = place ? readPlace(place) : null;
  if (place && !point) throw new Error(say("log_no_place"));
  if (!asset && !point) throw new Error(say("log_where"));
  return { payload: { ...payload, ...point }, asset };
}

async function findAsset(category, code) {
  for (const kind of KINDS[category] ?? KINDS.other) {
    const found = await ask(`/collections/${kind}/items?limit=1&code=${encodeURIComponent(code)}`).catch((error) => (error.status === 403 || error.status === 404 ? { features: [] } : Promise.reject(error)));
    if (found.features.length) return found.features[0].id;
  }
  return null;
}

// Longitude, latitude in degrees, as the map shows them.
function readPlace(text) {
  const [lon, lat] = text.split(/[\s,,]+/).map(Number);
  return Number.isFinite(lon) && Number.isFinite(lat) && Math.abs(lon) <= 180 && Math.abs(lat) <= 85 ? { lon, lat } : null;
}
