// What was seen inside a pipe: the latest grade on its card, the defects at their chainage on the map.

import { app } from "./app.js";
import { make } from "./dom.js";
import { readAnswer } from "./network_answers.js";
import { tell } from "./network_words.js";

const L = window.L;
const GRADES = { 1: "#e0b000", 2: "#e66100", 3: "#c8102e", 4: "#7a0019" };
let latest = { key: "", answer: null };
let marks = null;

// The card is drawn more than once: one question for each pipe, day and version.
export function describeCondition(id) {
  const key = `${id}|${app.asOf}|${app.config.version}`;
  if (latest.key !== key) latest = { key, answer: readAnswer(`/pipes/${encodeURIComponent(id)}/condition${app.asOf ? `?on=${app.asOf}` : ""}`) };
  const place = make("section", { class: "popup-condition", hidden: true });
  const mine = latest;
  mine.answer.then((answer) => {
    place.replaceChildren(...renderCondition(answer));
    place.hidden = false;
    if (app.popup.isOpen && app.target?.id === id) showDefects(answer.defects);
  }, () => {
    // The card is whole without it; the next one asks again.
    if (latest === mine) latest = { key: "", answer: null };
  });
  return place;
}

function renderCondition({ latest: run, history, rules, defects }) {
  const title = make("h3", { text: tell("condition_title") });
  if (!run) return [title, make("p", { class: "muted", text: tell("not_inspected") })];
  const { grade } = run;
  const row = (name, value, isUnverified) => make("tr", {}, make("th", { scope: "row", text: tell(name) }), make("td", {}, make("span", { text: value }), isUnverified ? make("em", { class: "unverified", text: tell("unverified") }) : null));
  const placed = defects.features.filter(({ geometry }) => geometry).length;
  const told = [tell("defects_on_map", { n: placed }), placed < defects.features.length ? tell("defects_unplaced", { n: defects.features.length - placed }) : null].filter(Boolean);
  return [title,
    make("table", { class: "attributes" },
      row("repair_class", grade ? `${grade.repair_class} · RI ${grade.ri}` : tell("not_graded"), grade && !rules.original_read),
      row("maintenance_class", grade ? `${grade.maintenance_class} · MI ${grade.mi}` : tell("not_graded"), grade && !rules.original_read),
      row("inspected", [run.inspected_on, run.method.toUpperCase(), run.unit, history.length > 1 ? `(${history.length})` : null].filter(Boolean).join(" "), false)),
    defects.features.length ? make("p", { class: "muted small", text: told.join(" · ") }) : null].filter(Boolean);
}

// null takes them off the map.
export function showDefects(defects) {
  marks?.clearLayers();
  if (!defects) return;
  marks ??= L.layerGroup().addTo(app.map);
  for (const { geometry, properties } of defects.features) {
    if (!geometry) continue;
    const color = GRADES[properties.grade] ?? "#52606d";
    const places = geometry.type === "Point" ? [geometry.coordinates] : geometry.coordinates;
    const renderer = (marks.renderer ??= L.svg({ pane: "trace-mark" }));
    if (places.length > 1) L.polyline(places.map(([lon, lat]) => [lat, lon]), { pane: "trace-mark", renderer, color, weight: 7, opacity: 0.85, interactive: false }).addTo(marks);
    const [lon, lat] = places[0];
    const words = `${properties.code}${properties.grade ?? ""}`;
    const label = make("span", { class: `defect grade-${properties.grade ?? 0}`, title: `${words} · ${properties.chainage_m} m`, text: words });
    L.marker([lat, lon], { icon: L.divIcon({ className: "defect-icon", iconSize: [0, 0], html: label }), interactive: false, keyboard: false }).addTo(marks);
    L.circleMarker([lat, lon], { pane: "trace-mark", renderer, radius: 5, weight: 2, color: "#ffffff", fillColor: color, fillOpacity: 1, interactive: false }).addTo(marks);
  }
}
