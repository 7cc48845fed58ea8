// On today's page while a level is in force or a team is out: the level, and the points under water.

import { make } from "./dom.js";
import { levelWords } from "./duty.js";
import { writeMoment } from "./parts.js";
import { say } from "./words.js";

export function renderFloodStrip(office, flood) {
  if (!flood) return null;
  const points = flood.call_outs.map((one) => make("li", {}, make("strong", { text: one.point?.name ?? "" }), make("span", { text: [one.team, one.arrived_at ? `${say("duty_arrived")} ${writeMoment(one.arrived_at)}` : `${say("duty_called")} ${writeMoment(one.called_at)}`, one.deepest_m !== null ? say("duty_deepest", { m: one.deepest_m }) : ""].filter(Boolean).join(" · ") })));
  return make("section", { class: "panel flood-strip", "aria-label": say("flood_mode") },
    make("div", { class: "title-line" }, make("h2", { text: say("flood_mode") }), make("strong", { class: `chip level level-${flood.level?.response ?? "none"}`, text: levelWords(flood.level) || say("duty_no_level") }),
      make("span", { class: "muted", text: [flood.level && say("duty_since", { when: writeMoment(flood.level.since) }), say("flood_open", { n: points.length })].filter(Boolean).join(" · ") }),
      office.may("read_duty") ? make("a", { class: "button", href: "#duty", text: say("flood_to_duty") }) : null),
    points.length ? make("ul", { class: "flood-points" }, ...points) : null);
}
