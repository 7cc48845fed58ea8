// The legend: one block per vocabulary, shared by all layers that are coloured by it, with the
// counts of the layers that are on. A switched-off value leaves the map, the counts stay.

import { countClosed, countLate, countValue, hasDeadline } from "./counts.js";
import { make, makeSvg } from "./dom.js";
import { formatNumber, pick, say } from "./i18n.js";
import { LATE, lineWidth, symbolPath } from "./style.js";

// What an entry looks like on the map, as a small picture; attributes only, the page allows no inline style.
export function drawSample(entry, geometry, size = 20) {
  const box = { viewBox: "-10 -7 20 14", class: "sample", width: size, height: (size * 14) / 20, "aria-hidden": "true" };
  if (geometry === "point") {
    const shape = { d: symbolPath(entry.symbol, 5), fill: entry.color, stroke: "#20262b", "stroke-width": 0.8 };
    return makeSvg("svg", box, makeSvg("path", shape));
  }
  if (geometry === "area") {
    const frame = { x: -8, y: -5, width: 16, height: 10, rx: 1.5, fill: entry.color, "fill-opacity": 0.32 };
    return makeSvg("svg", box, makeSvg("rect", { ...frame, stroke: entry.color, "stroke-width": 1.4 }));
  }
  const width = Math.min(5, lineWidth(entry, 15));
  const line = { x1: -10, x2: 10, y1: 0, y2: 0, stroke: entry.color, "stroke-width": width };
  if (entry.dash) line["stroke-dasharray"] = entry.dash;
  return makeSvg("svg", box, makeSvg("line", line));
}

// Layers coloured by the same words share a block: [{ key, layers, entries, geometry }].
export function groupByVocabulary(layers) {
  const blocks = new Map();
  for (const layer of layers) {
    if (!layer.style.entries.length) continue;
    const key = `${layer.color_by}:${layer.style.entries.map((entry) => entry.value).join(",")}`;
    if (!blocks.has(key)) blocks.set(key, { key, layers: [], entries: layer.style.entries });
    blocks.get(key).layers.push(layer);
  }
  return [...blocks.values()].map((block) => ({ ...block, geometry: commonGeometry(block.layers) }));
}

function commonGeometry(layers) {
  const kinds = new Set(layers.map((layer) => layer.geometry));
  return kinds.size === 1 ? [...kinds][0] : "line";
}

function titleOf(block) {
  const { color_by: name, attributes } = block.layers[0];
  return pick(attributes?.find((attribute) => attribute.name === name)?.text) || name;
}

// switches: { isOff(block, value), toggle(block, value), showClosed, toggleClosed() }; without toggles the legend is for print.
export function renderLegend(layers, switches) {
  const blocks = groupByVocabulary(layers.filter((layer) => !layer.background));
  const sections = blocks.map((block) => renderBlock(block, switches));
  const dated = layers.filter(hasDeadline);
  if (dated.length) sections.push(renderLate(dated, switches));
  return sections;
}

function renderBlock(block, switches) {
  const rows = block.entries.map((entry) => renderEntry(block, entry, switches));
  return make("section", { class: "legend-block" }, make("h3", { text: titleOf(block) }), make("ul", {}, ...rows));
}

function renderEntry(block, entry, switches) {
  const count = formatNumber(countValue(block.layers, entry.value, switches.showClosed));
  const parts = [drawSample(entry, block.geometry, 26), make("span", { class: "words", text: pick(entry.text) }), make("span", { class: "count", text: count })];
  if (!switches.toggle) return make("li", { class: "legend-entry" }, ...parts);
  const pressed = !switches.isOff(block, String(entry.value));
  const toggle = () => switches.toggle(block, String(entry.value));
  const button = make("button", { type: "button", class: "legend-entry", "aria-pressed": String(pressed), "data-value": entry.value, onclick: toggle }, ...parts);
  return make("li", {}, button);
}

// Closed hazards stay off the map until asked for: old pins crowd out what is to be done.
function renderLate(layers, switches) {
  const ring = makeSvg("circle", { r: 5, fill: "none", stroke: LATE, "stroke-width": 2.2 });
  const sample = makeSvg("svg", { viewBox: "-10 -7 20 14", class: "sample", width: 26, height: 18, "aria-hidden": "true" }, ring);
  const row = make("li", { class: "legend-entry" }, sample, make("span", { class: "words", text: say("late_legend") }), renderCount(layers, countLate));
  const closed = switches.toggleClosed ? make("input", { type: "checkbox", id: "show-closed", onchange: () => switches.toggleClosed() }) : null;
  if (closed) closed.checked = switches.showClosed;
  const choice = closed ? make("li", {}, make("label", { class: "tree-layer", for: "show-closed" }, closed, make("span", { class: "words", text: say("closed_legend") }), renderCount(layers, countClosed))) : null;
  return make("section", { class: "legend-block" }, make("ul", {}, row, choice));
}

function renderCount(layers, count) {
  return make("span", { class: "count", text: formatNumber(layers.reduce((sum, layer) => sum + count(layer), 0)) });
}
