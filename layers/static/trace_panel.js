// The panel of a trace: what it found and what has to be said of it. Shows the state; acts by `on`.

import { make, makeIcon, makeSvg } from "./dom.js";
import { pick } from "./i18n.js";
import { tell, writeCount, writeLength, writeSize } from "./network_words.js";
import { drawSample } from "./legend.js";
import { ACCENT, LATE } from "./style.js";
import { DEAD_END_PATH, OUTFALL_PATH } from "./trace_layer.js";

export const MODES = { up: "up", down: "down", both: "both", isolate: "block" };
const LISTED = 12;

// trace: { mode, start, system, systems, busy, problem, answer, opened }; without a start, a hint.
export function renderTrace(trace, on) {
  if (!trace.start) return [renderHint(on)];
  const parts = [renderHead(trace, on), renderChoices(trace, on)];
  if (trace.busy) return [...parts, make("p", { class: "muted", role: "status", text: tell("tracing") })];
  if (trace.problem) return [...parts, make("p", { class: "notice-error", role: "alert", text: trace.problem })];
  return [...parts, ...renderAnswer(trace, on)];
}

function renderHint(on) {
  return make("section", { class: "network-hint" },
    make("h3", { text: tell("hint_title") }),
    make("p", { text: tell("hint") }),
    on.showManholes ? make("button", { type: "button", class: "plain-button", text: tell("hint_manholes"), onclick: on.showManholes }) : null);
}

const iconButton = (icon, words, act) => make("button", { type: "button", class: "icon-button", title: words, "aria-label": words, onclick: act }, makeIcon(icon));

function renderHead({ mode, start }, on) {
  return make("header", { class: "network-head" },
    make("div", {},
      make("p", { class: "muted small", text: tell(`trace_${mode}`) }),
      make("h2", { id: "network-title", tabindex: -1, text: start.code || tell("no_code") })),
    make("div", { class: "network-tools" }, iconButton("target", tell("zoom_to"), on.zoom), iconButton("close", tell("clear"), on.clear)));
}

function renderChoices({ mode, start, system, systems }, on) {
  const choice = (name) => make("button", { type: "button", class: "segment", "aria-pressed": String(name === mode), "data-mode": name, onclick: () => on.trace(name) }, makeIcon(MODES[name]), make("span", { text: tell(`trace_${name}`) }));
  const modes = Object.keys(MODES).filter((name) => name !== "isolate" || start.kind === "sewer_pipe");
  const select = make("select", { id: "trace-system", "aria-label": tell("system"), onchange: (event) => on.setSystem(event.target.value) },
    make("option", { value: "", text: tell("system_all") }),
    ...systems.map(({ value, text }) => make("option", { value, text: pick(text), selected: value === system })));
  return make("div", { class: "network-choices" },
    make("div", { class: "segments", role: "group", "aria-label": tell("direction") }, ...modes.map(choice)),
    mode === "isolate" ? null : select);
}

function renderAnswer(trace, on) {
  const { answer } = trace;
  const { summary } = answer;
  return [
    renderFigures(answer),
    summary.pipes ? null : make("p", { class: "muted", text: tell("no_pipes") }),
    answer.people ? renderPeople(answer.people) : null,
    answer.diverted?.pipes ? make("p", { class: "muted small", text: tell("diverted", { n: writeCount(answer.diverted.pipes), km: writeLength(answer.diverted.length_m) }) }) : null,
    renderCrossed(trace, on),
    renderEnds(trace, on),
    renderSizes(trace),
    renderActs(trace, on),
  ].filter(Boolean);
}

function renderFigures({ summary, people }) {
  const figure = (title, value) => make("div", { class: "figure" }, make("dt", { text: tell(title) }), make("dd", { text: value }));
  return make("dl", { class: "figures" }, figure("length", writeLength(summary.length_m)), figure("pipes", writeCount(summary.pipes)), people ? figure("people", people.users ? writeCount(people.people) : "—") : null);
}

function renderPeople(people) {
  if (!people.users) return make("p", { class: "muted small", text: tell("people_none") });
  const lines = [tell("people_note", { users: writeCount(people.users), without: writeCount(people.users_without_people) })];
  if (people.discharge_m3_per_day) lines.push(tell("discharge", { n: writeCount(people.discharge_m3_per_day) }));
  return make("p", { class: "muted small", text: lines.join(" · ") });
}

const section = (title, ...content) => make("section", { class: "network-part" }, make("h3", { text: title }), ...content);

// What a trace ran over and a reader must know: each opens its pipes and marks them on the map.
function renderCrossed({ answer, opened }, on) {
  const known = Object.entries(answer.summary.crossed).filter(([, count]) => count > 0);
  if (!known.length) return answer.summary.pipes ? section(tell("crossed"), make("p", { class: "muted small", text: tell("crossed_none") })) : null;
  const rows = known.map(([key, count]) => make("li", {},
    make("button", { type: "button", class: "crossed", "aria-expanded": String(opened === key), "data-crossed": key, onclick: () => on.openCrossed(key) },
      make("span", { class: "words", text: tell(`crossed_${key}`) }), make("span", { class: "count", text: writeCount(count) })),
    opened === key ? renderCrossedPipes(answer, key, on) : null));
  return section(tell("crossed"), make("ul", { class: "crossed-list" }, ...rows));
}

export const crossedPipes = (answer, key) => answer.features.filter(({ properties }) => properties.crossed?.includes(key));

function renderCrossedPipes(answer, key, on) {
  const found = crossedPipes(answer, key);
  const buttons = found.slice(0, LISTED).map((pipe) => make("button", { type: "button", class: "code", text: pipe.properties.code || tell("no_code"), onclick: () => on.goToPipe(pipe) }));
  return make("p", { class: "codes" }, ...buttons, found.length > LISTED ? make("span", { class: "muted small", text: tell("more", { n: found.length - LISTED }) }) : null);
}

const mark = (path, fill, line) => makeSvg("svg", { viewBox: "-11 -11 22 22", class: "sample", width: 16, height: 16, "aria-hidden": "true" }, makeSvg("path", { d: path, fill, stroke: line, "stroke-width": 2 }));

function renderEnds({ answer, mode }, on) {
  const { outfalls, dead_ends: dead } = answer.summary;
  const row = (sample) => (node) => make("li", {}, make("button", { type: "button", class: "list-row", onclick: () => on.goToNode(node) }, sample(), make("span", { class: "words", text: node.code || tell(node.kind ? "no_code" : "virtual") })));
  const list = (nodes, sample) => [make("ul", {}, ...nodes.slice(0, LISTED).map(row(sample))), nodes.length > LISTED ? make("p", { class: "muted small", text: tell("more", { n: nodes.length - LISTED }) }) : null];
  const parts = [];
  if (outfalls.length) parts.push(section(`${tell("outfalls")} · ${outfalls.length}`, ...list(outfalls, () => mark(OUTFALL_PATH, ACCENT, ACCENT))));
  else if (mode === "down" || mode === "both") parts.push(section(tell("outfalls"), make("p", { class: "late small", text: tell("outfalls_none") })));
  if (dead.length) parts.push(section(`${tell("dead_ends")} · ${dead.length}`, ...list(dead, () => mark(DEAD_END_PATH, "#ffffff", LATE))));
  return parts.length ? make("div", {}, ...parts) : null;
}

// Rows of one size under their system, each with its share of the length as a bar.
function renderSizes({ answer, systems }) {
  const rows = answer.summary.by_system;
  if (!rows.length) return null;
  const longest = Math.max(...rows.map((row) => row.length_m));
  const names = [...new Set(rows.map((row) => row.system))];
  const blocks = names.map((name) => renderSystem(rows.filter((row) => row.system === name), systems.find(({ value }) => value === name), longest));
  return section(tell("by_system"), make("table", { class: "sizes" }, ...blocks));
}

function renderSystem(rows, system, longest) {
  const total = rows.reduce((sum, row) => sum + row.length_m, 0);
  const entry = { color: system?.color ?? "#52606d", width: 4 };
  const head = make("tr", {}, make("th", { scope: "rowgroup", colspan: 2 }, drawSample(entry, "line", 24), make("span", { text: system ? pick(system.text) : tell("system_none") })), make("td", { text: writeLength(total) }));
  const lines = rows.map((row) => make("tr", {},
    make("th", { scope: "row", text: writeSize(row) }),
    make("td", { class: "bar-cell" }, makeSvg("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", class: "size-bar", "aria-hidden": "true" }, makeSvg("rect", { width: Math.max(1, (row.length_m / longest) * 100), height: 6, fill: entry.color }))),
    make("td", { text: writeLength(row.length_m) })));
  return make("tbody", {}, head, ...lines);
}

function renderActs({ answer, mode }, on) {
  if (!answer.summary.pipes) return null;
  const act = (icon, key, run) => make("button", { type: "button", class: "plain-button", onclick: run }, makeIcon(icon), make("span", { text: tell(key) }));
  return make("div", { class: "network-acts" },
    mode === "isolate" ? null : act("profile", "profile_down", on.profileDown),
    act("profile", "profile_to", on.profileTo),
    act("save", "csv", on.saveCsv), act("save", "geojson", on.saveGeojson), act("print", "print", on.print));
}
