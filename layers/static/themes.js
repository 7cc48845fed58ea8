// Themes of the network on the map: pipes coloured by their latest repair class, and misconnections.

import { app } from "./app.js";
import { make } from "./dom.js";
import { pick } from "./i18n.js";
import { drawSample } from "./legend.js";
import { describeCondition, showDefects } from "./condition_card.js";
import { readAnswer } from "./network_answers.js";
import { tell, writeCount, writeLength } from "./network_words.js";

const L = window.L;
const CLASSES = { Ⅰ: { color: "#4a90a4", width: 3 }, Ⅱ: { color: "#e0b000", width: 3.6 }, Ⅲ: { color: "#e66100", width: 4.4 }, Ⅳ: { color: "#a50026", width: 5.2 } };
const NONE = { value: "none", color: "#c3c6c9", width: 1.6 };

const themes = { condition: { on: false }, misconnections: { on: false }, place: null, acts: null, marks: null, asked: "" };

// acts: { zoomTo(features), traceUp(place) }; answers { place, render, renderCard, follow }.
export function startThemes(acts) {
  Object.assign(themes, { acts, place: make("div", { class: "themes" }), marks: L.layerGroup().addTo(app.map) });
  document.addEventListener("map:closed", () => showDefects(null));
  render();
  return { place: themes.place, render, renderCard, follow };
}

const key = () => `${app.asOf}|${app.config.version}`;

// Another day or version: what is shown is asked again.
function follow() {
  if (themes.asked === key()) return;
  themes.asked = key();
  for (const name of ["condition", "misconnections"]) if (themes[name].on) LOADS[name]();
}

const LOADS = { condition: loadCondition, misconnections: loadMisconnections };

function toggle(name, on) {
  themes[name] = { on };
  themes.asked = key();
  if (on) LOADS[name]();
  else if (name === "condition") app.vectors.recolour(null);
  else themes.marks.clearLayers();
  render();
  document.getElementById(`theme-${name}`)?.focus();
}

async function load(name, path, use) {
  const mine = themes[name];
  try {
    const answer = await readAnswer(path);
    if (themes[name] !== mine) return;
    Object.assign(mine, { answer, problem: null });
    use(answer);
  } catch (error) {
    if (themes[name] === mine) mine.problem = error.message || tell("theme_failed");
  }
  render();
}

function loadCondition() {
  return load("condition", `/inspections/classes${app.asOf ? `?on=${app.asOf}` : ""}`, (answer) => {
    const looks = Object.fromEntries(Object.entries(CLASSES).map(([value, look], order) => [value, { ...look, value, order, dash: null }]));
    app.vectors.recolour((layer, feature) => {
      if (layer.id !== "sewer_pipe" || feature.properties.cells) return null;
      return looks[answer.pipes[feature.properties.id]?.[0]] ?? NONE;
    });
  });
}

function loadMisconnections() {
  return load("misconnections", "/network/misconnections", ({ features }) => {
    themes.marks.clearLayers();
    for (const feature of features) {
      const [lon, lat] = feature.geometry.coordinates;
      const icon = L.divIcon({ className: "misconnection", iconSize: [24, 24], html: make("span", { text: "!" }) });
      const words = pick(feature.properties.words);
      L.marker([lat, lon], { icon, title: words, alt: words, riseOnHover: true }).on("click", () => choose(feature)).addTo(themes.marks);
    }
  });
}

function choose(feature) {
  themes.misconnections.chosen = feature.id;
  themes.acts.zoomTo([feature]);
  render();
  themes.place.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}

function render() {
  const names = [...(app.config.condition ? ["condition"] : []), "misconnections"];
  const bodies = { condition: renderCondition, misconnections: renderMisconnections };
  themes.place.replaceChildren(make("h2", { class: "legend-title", text: tell("overlays") }),
    ...names.flatMap((name) => [renderSwitch(name), themes[name].on ? renderBody(themes[name], bodies[name]) : null]).filter(Boolean));
}

function renderSwitch(name) {
  const box = make("input", { type: "checkbox", id: `theme-${name}`, onchange: (event) => toggle(name, event.target.checked) });
  box.checked = themes[name].on;
  const count = name === "misconnections" && themes[name].answer ? make("span", { class: "count", text: writeCount(themes[name].answer.count) }) : null;
  return make("label", { class: "tree-layer", for: box.id }, box, make("span", { class: "words", text: tell(name) }), count);
}

function renderBody(theme, body) {
  if (theme.problem) return make("p", { class: "notice-error", role: "alert", text: theme.problem });
  if (!theme.answer) return make("p", { class: "muted small", role: "status", text: "…" });
  return body(theme);
}

function renderCondition({ answer }) {
  const counts = new Map();
  for (const [repair] of Object.values(answer.pipes)) counts.set(repair, (counts.get(repair) ?? 0) + 1);
  const row = (look, words, count, isUnverified) => make("li", { class: "legend-entry" }, drawSample(look, "line", 26),
    make("span", { class: "words" }, make("span", { text: words }), isUnverified ? make("em", { class: "unverified", text: tell("unverified") }) : null),
    make("span", { class: "count", text: count === null ? "" : writeCount(count) }));
  const rows = answer.words.map((word) => row(CLASSES[word.value], `${word.value} ${pick(word)}`, counts.get(word.value) ?? 0, word.unverified));
  return make("div", { class: "theme" },
    make("ul", { class: "class-list" }, ...rows, row(NONE, tell("condition_none"), null, false)),
    answer.rules.original_read ? null : make("p", { class: "unverified-note", text: tell("condition_unverified", { standard: answer.rules.standard }) }));
}

function renderMisconnections({ answer, chosen }) {
  if (!answer.features.length) return make("p", { class: "muted small", text: tell("misconnections_none") });
  const rows = answer.features.map((feature) => {
    const { words, node_code: code, upstream_m: length, upstream_pipes: pipes, outfalls, state } = feature.properties;
    const isChosen = feature.id === chosen;
    return make("li", {},
      make("button", { type: "button", class: "finding", "aria-current": isChosen ? "true" : null, onclick: () => choose(feature) },
        make("strong", { text: pick(words) }), make("span", { class: "muted", text: tell(`state_${state}`) }),
        make("span", { text: code || tell("virtual") }), make("span", { class: "muted small", text: [tell("upstream_of", { km: writeLength(length), n: pipes }), outfalls.length ? tell("reaches", { codes: outfalls.join(", ") }) : null].filter(Boolean).join(" · ") })),
      isChosen ? make("button", { type: "button", class: "plain-button", text: tell("trace_up"), onclick: () => themes.acts.traceUp({ id: feature.properties.node, kind: feature.properties.node_kind ?? "node", code }) }) : null);
  });
  return make("div", { class: "theme" }, app.asOf ? make("p", { class: "muted small", text: tell("today_only") }) : null, make("ul", { class: "finding-list" }, ...rows));
}

// On the card of a pipe, for who may read inspections.
function renderCard(layer, properties) {
  if (layer.id !== "sewer_pipe" || !app.config.condition || !properties.id) {
    showDefects(null);
    return null;
  }
  return describeCondition(properties.id);
}
