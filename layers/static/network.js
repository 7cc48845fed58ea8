// The sewer network on the live map: traces from a pipe or a manhole, and what follows from them.
// A script of its own beside the map's: a portable file has no server to ask, and does without it.

import { app, findLayer, NARROW } from "./app.js";
import { byId, make, makeIcon } from "./dom.js";
import { currentLanguage, pick } from "./i18n.js";
import { openFound } from "./identify.js";
import { tell } from "./network_words.js";
import { closeSheet, showPanel } from "./page.js";
import { askNetwork } from "./network_answers.js";
import { cardParts } from "./popup.js";
import { ProfilePanel } from "./profile_panel.js";
import { save, writeCsv } from "./trace_files.js";
import { TraceLayer } from "./trace_layer.js";
import { startThemes } from "./themes.js";
import { saveLink } from "./view.js";
import { crossedPipes, MODES, renderTrace } from "./trace_panel.js";

const L = window.L;
const KEYS = { u: "up", d: "down", b: "both" };

const trace = { mode: "up", start: null, system: "", systems: [], busy: false, problem: null, answer: null, opened: null };
let drawn = null;
let profile = null;
let shown = "";

let themes = null;

function render() {
  byId("network").replaceChildren(make("div", { id: "trace" }, ...renderTrace(trace, on)), themes.place);
}

// The pipe or node whose card is open; else where the last trace began.
function readStart() {
  const { target } = app;
  if (!target || !findLayer(target.layer)?.network) return trace.start;
  const properties = app.popup.properties ?? {};
  return { id: target.id, kind: target.layer, code: properties.code };
}

// isLinked: the view and the card are those of the link.
async function run(mode, start = readStart(), { isLinked = false } = {}) {
  if (!start) return;
  if (mode === "isolate" && start.kind !== "sewer_pipe") return;
  app.trace = { mode, id: start.id };
  if (!isLinked) app.popup.close();
  saveLink();
  Object.assign(trace, { mode, start, busy: true, problem: null, opened: null });
  drawn.followWay([]);
  profile.close();
  render();
  openPanel();
  await load();
  if (trace.answer && !isLinked) zoom();
  byId("network").scrollTop = 0;
  byId("network-title")?.focus({ preventScroll: true });
}

// The latest question only: an answer to an earlier one is no longer wanted.
async function load() {
  const { mode, start, system } = trace;
  const asked = { from: start.id, "as-of": app.asOf, people: mode === "down" ? "" : "true" };
  if (mode !== "isolate") Object.assign(asked, { direction: mode, system });
  const mine = (trace.asked = Symbol("asked"));
  try {
    const answer = await askNetwork(mode === "isolate" ? "isolate" : "trace", asked);
    if (trace.asked !== mine) return;
    Object.assign(trace, { answer, busy: false, problem: null, start: { ...start, id: answer.from.id, code: answer.from.code, kind: answer.from.kind ?? start.kind } });
    app.trace = { mode, id: trace.start.id };
    saveLink();
    draw();
  } catch (error) {
    if (trace.asked !== mine) return;
    Object.assign(trace, { answer: null, busy: false, problem: error.message || tell("trace_failed") });
    drawn.empty();
  }
  shown = stateKey();
  render();
}

function draw() {
  const { summary } = trace.answer;
  const ids = (nodes) => new Set(nodes.map(({ id }) => id));
  drawn.show(trace.answer, { outfalls: ids(summary.outfalls), dead: ids(summary.dead_ends), start: trace.start.id });
}

function openPanel() {
  if (byId("panel").dataset.sheet !== "network" || byId("panel").dataset.tab !== "network") showPanel("network");
}

// How much of the map lies under cards and sheets: [from the right, from below], px.
function measureCover(frame) {
  const heightOf = (id) => byId(id).offsetHeight;
  if (!NARROW.matches) return [byId("popup").hidden ? 0 : frame.right - byId("popup").getBoundingClientRect().left, heightOf("profile")];
  // Sheets stand on the bottom of the window, the map on the bar of buttons.
  const sheet = byId("panel").dataset.sheet ? heightOf("panel") : 0;
  return [0, Math.max(0, Math.max(heightOf("popup"), heightOf("profile"), sheet) - (window.innerHeight - frame.bottom))];
}

function zoomTo(features, maxZoom = 18) {
  const bounds = L.latLngBounds([]);
  for (const { geometry } of features) {
    const places = geometry.type === "Point" ? [geometry.coordinates] : geometry.coordinates;
    for (const [lon, lat] of places) bounds.extend([lat, lon]);
  }
  if (!bounds.isValid()) return;
  const frame = byId("map").getBoundingClientRect();
  const [right, below] = measureCover(frame);
  app.map.fitBounds(bounds, { maxZoom, paddingTopLeft: [56, 40], paddingBottomRight: [40 + right, 30 + Math.min(below, frame.height - 120)] });
}

const zoom = () => trace.answer?.features.length && zoomTo(trace.answer.features);

function clear() {
  Object.assign(trace, { start: null, answer: null, problem: null, busy: false, asked: null, opened: null, system: "" });
  app.trace = null;
  saveLink();
  drawn.empty();
  profile.close();
  render();
}

function goToNode(node) {
  const feature = trace.answer.features.find(({ id }) => id === node.id);
  if (feature) zoomTo([feature], Math.max(17, app.map.getZoom()));
}

function goToPipe(pipe) {
  drawn.mark([pipe.id]);
  openFound([{ layer: findLayer("sewer_pipe"), feature: { properties: { id: pipe.id, code: pipe.properties.code } } }], 0);
  zoomTo([pipe]);
}

function openCrossed(key) {
  trace.opened = trace.opened === key ? null : key;
  const found = trace.opened ? crossedPipes(trace.answer, key) : [];
  drawn.mark(found.map(({ id }) => id));
  render();
  document.querySelector(`[data-crossed="${key}"]`)?.focus();
  if (found.length) zoomTo(found);
}

function endPick() {
  app.pick = null;
  app.notices.clear("pick_second");
  document.body.classList.remove("is-picking");
}

function startPick(start) {
  endPick();
  if (NARROW.matches) closeSheet();
  app.popup.close();
  document.body.classList.add("is-picking");
  app.pick = (found) => {
    const hit = found.find(({ layer }) => layer.network);
    if (!hit) return;
    endPick();
    profile.open(start, { to: String(hit.feature.properties.id) });
  };
  app.notices.say("pick_second", tell("pick_second"), { words: tell("cancel"), act: endPick });
}

const fileName = () => `trace-${trace.mode}-${(trace.start.code || trace.start.id).replace(/[^\p{L}\p{N}._-]+/gu, "_")}`;

function saveCsv() {
  const attributes = new Map(findLayer("sewer_pipe").attributes.map((attribute) => [attribute.name, attribute]));
  const titles = Object.fromEntries([...attributes].map(([name, { text }]) => [name, pick(text)]));
  const words = Object.fromEntries([...attributes].filter(([, { vocabulary }]) => vocabulary).map(([name, { vocabulary }]) => [name, Object.fromEntries(Object.entries(vocabulary).map(([value, text]) => [value, pick(text)]))]));
  save(`${fileName()}.csv`, writeCsv(trace.answer, { ...titles, crossed: tell("crossed") }, words), "text/csv");
}

const on = {
  trace: (mode) => run(mode, trace.start),
  setSystem: (system) => {
    trace.system = system;
    run(trace.mode, trace.start);
  },
  zoom,
  clear,
  goToNode,
  goToPipe,
  openCrossed,
  saveCsv,
  saveGeojson: () => save(`${fileName()}.geojson`, JSON.stringify(trace.answer), "application/geo+json"),
  print: () => window.print(),
  profileDown: () => profile.open(trace.start, {}),
  profileTo: () => startPick(trace.start),
};

// The buttons on the card of a pipe or a node.
function renderCard(layer, properties) {
  if (!layer.network) return null;
  const start = { id: properties.id ?? app.target?.id, kind: layer.id, code: properties.code };
  const act = (icon, words, key, run) => make("button", { type: "button", class: "plain-button", title: tell("key_of", { words, key }), onclick: run }, makeIcon(icon), make("span", { text: words }));
  const keys = { up: "U", down: "D", both: "B" };
  return make("section", { class: "popup-network" },
    make("h3", { text: tell("card_title") }),
    make("div", { class: "network-acts" },
      ...Object.keys(keys).map((mode) => act(MODES[mode], tell(`trace_${mode}`), keys[mode], () => run(mode, start))),
      act("profile", tell("profile_down"), "P", () => profile.open(start, {})),
      act("profile", tell("profile_to"), "⇧P", () => startPick(start))));
}

const isTyping = (element) => element?.matches?.("input, select, textarea, [contenteditable]");

function takeKey(event) {
  if (event.key === "Escape") return takeEscape(event);
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return undefined;
  const key = event.key.toLowerCase();
  const start = readStart();
  if (!start || !["p", ...Object.keys(KEYS)].includes(key)) return undefined;
  event.preventDefault();
  if (key !== "p") return run(KEYS[key], start);
  return event.shiftKey ? startPick(start) : profile.open(start, {});
}

// One thing at a time, the latest first; an open card is the map's to close.
function takeEscape(event) {
  if (app.pick) endPick();
  else if (app.popup.isOpen) return;
  else if (profile.isOpen) profile.close();
  else if (trace.start) clear();
  else return;
  event.stopImmediatePropagation();
}

const stateKey = () => `${app.asOf}|${app.config.version}`;
let language = "";

// Another day, or another state of the network: the trace is asked again, not left to be wrong.
function followState() {
  if (language !== currentLanguage()) {
    language = currentLanguage();
    render();
    themes.render();
    profile.refresh();
  }
  themes.follow();
  followLinked();
  if (trace.start && !trace.busy && shown !== stateKey()) {
    shown = stateKey();
    load();
    profile.refresh();
  }
}

// The trace a link asks for, or no longer has.
function followLinked() {
  const { mode, id } = app.trace ?? {};
  if (id && MODES[mode] && (mode !== trace.mode || id !== trace.start?.id)) run(mode, { id, kind: mode === "isolate" ? "sewer_pipe" : "", code: "" }, { isLinked: true });
  if (!id && trace.start && !trace.busy) clear();
}

function begin() {
  if (!app.layers.some((layer) => layer.network)) return;
  trace.systems = app.config.systems ?? [];
  for (const name of ["trace", "trace-mark"]) app.map.createPane(name).classList.add("trace-pane", `${name}-pane`);
  drawn = new TraceLayer(new Map(trace.systems.map(({ value, color }) => [value, color]))).addTo(app.map);
  profile = new ProfilePanel(byId("profile"), { layer: drawn, zoomTo, trace, endWay: () => (trace.answer ? draw() : drawn.empty()) });
  themes = startThemes({ zoomTo, traceUp: (place) => run("up", place) });
  on.showManholes = () => [app.visible.add("sewer_manhole"), app.changed()];
  for (const id of ["tab-network", "open-network"]) byId(id).hidden = false;
  cardParts.push(renderCard, themes.renderCard);
  document.addEventListener("keydown", takeKey, true);
  document.addEventListener("map:state", followState);
  window.addEventListener("beforeprint", printSummary);
  language = currentLanguage();
  render();
  if (app.popup.isOpen) app.popup.refresh();
  followLinked();
}

// Runs after the page has laid out its sheet: what was traced belongs on it.
function printSummary() {
  if (trace.answer) byId("print-legend").prepend(make("div", { class: "print-trace" }, ...renderTrace(trace, on).slice(0, 1), ...renderTrace(trace, on).slice(2)));
}

if (document.body.dataset.ready) begin();
else document.addEventListener("map:ready", begin, { once: true });
