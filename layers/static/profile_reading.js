// What a profile says at a chainage: levels between nodes as straight lines, and nothing where one is missing.

import { findLayer } from "./app.js";
import { tell } from "./network_words.js";

// Not everybody may read inverts; what is kept back is not missing.
export const seesLevels = () => Boolean(findLayer("sewer_pipe")?.attributes.some(({ name }) => name === "up_invert_m"));

const isKnown = (value) => value !== null && value !== undefined;

function between(start, end, share) {
  return isKnown(start) && isKnown(end) ? start + (end - start) * share : null;
}

const difference = (upper, lower) => (isKnown(upper) && isKnown(lower) ? upper - lower : null);

// Answers { chainage, reach, share, facts: [{ title, value, isMissing }] }; within `snap` metres of a node it is the node's.
export function readAt({ stations, reaches }, wanted, snap) {
  const near = stations.reduce((best, station) => (Math.abs(station.chainage_m - wanted) < Math.abs(best.chainage_m - wanted) ? station : best));
  const station = Math.abs(near.chainage_m - wanted) <= snap ? near : null;
  const chainage = station ? station.chainage_m : wanted;
  const at = Math.max(0, reaches.filter((one) => one.start_m <= chainage + 1e-9).length - 1);
  const reach = reaches[at];
  const share = reach ? Math.max(0, Math.min(1, (chainage - reach.start_m) / Math.max(reach.length_m, 1e-6))) : 0;
  const facts = [fact(tell("chainage"), `${chainage.toFixed(1)} m`)];
  if (station) facts.push(...readStation(station));
  else if (reach) facts.push(...readReach(reach, share, stations[at], stations[at + 1]), ...readSeen(reach, chainage, snap));
  return { chainage, reach, share, facts };
}

const fact = (title, value, isMissing = false) => ({ title, value, isMissing });
const measured = (digits, unit = "m") => (title, value) => {
  if (isKnown(value)) return fact(tell(title), `${value.toFixed(digits)} ${unit}`);
  return seesLevels() ? fact(tell(title), tell("missing"), true) : fact(tell(title), tell("not_shown"));
};
const level = measured(3);
const depth = measured(2);

function readStation(station) {
  return [
    fact(tell("node"), station.code || tell(station.kind ? "no_code" : "virtual")),
    level("ground", station.ground_m),
    level("invert", station.lowest_invert_m),
    level("bottom", station.bottom_m),
    depth("depth", station.depth_m),
  ];
}

function readReach(reach, share, from, to) {
  const invert = between(reach.start_invert_m, reach.end_invert_m, share);
  const crown = between(reach.start_crown_m, reach.end_crown_m, share);
  const ground = between(from?.ground_m, to?.ground_m, share);
  return [
    fact(tell("pipe"), [reach.code, reach.size].filter(Boolean).join(" ")),
    level("ground", ground),
    level("crown", crown),
    level("invert", invert),
    depth("cover", difference(ground, crown)),
    measured(1, "‰")("slope", reach.slope_per_mille),
  ];
}

// What the latest inspection saw here, or that nobody is known to have looked.
function readSeen({ defects, silt, inspected_on: day }, chainage, snap) {
  if (!day) return [fact(tell("inspected"), tell("never_inspected"))];
  const isHere = (start, end) => chainage >= start - snap && chainage <= end + snap;
  const deposits = silt.filter(({ start_m: start, end_m: end }) => isHere(start, end));
  const here = defects.filter(({ chainage_m: start, end_m: end }) => isHere(start, end ?? start));
  return [
    fact(tell("inspected"), day),
    ...deposits.map(({ least_m: least, most_m: most }) => fact(tell("silt"), `${least.toFixed(2)}–${most.toFixed(2)} m`)),
    here.length ? fact(tell("defects"), here.map(({ code, grade }) => `${code}${grade ?? ""}`).join(" ")) : null,
  ].filter(Boolean);
}
