// What is in view, as a list: the map for keyboards and screen readers, and a quick table for all.

import { daysLate } from "./clock.js";
import { make } from "./dom.js";
import { pick, say } from "./i18n.js";
import { writeLateness } from "./labels.js";
import { drawSample } from "./legend.js";
import { eachFeature } from "./scene.js";

const MOST = 200;

// Features whose box touches the visible part of the map, once each; bounds in layer points.
export function collectInView(scene, bounds) {
  const found = new Map();
  let cells = false;
  eachFeature(scene, (layer, feature, content) => {
    if (layer.background || !feature.box) return;
    // Tiles below the zoom that names features hold too many of them for a list.
    const unnamed = layer.named_from > 0 && !feature.properties.code;
    if (feature.properties.cells || unnamed) return void (cells = true);
    const [west, north, east, south] = feature.box;
    const x = (value) => content.left + value * content.scale;
    const y = (value) => content.top + value * content.scale;
    const apart = x(east) < bounds.min.x || x(west) > bounds.max.x || y(south) < bounds.min.y || y(north) > bounds.max.y;
    if (!apart) found.set(`${layer.id}/${feature.properties.id}`, { layer, feature });
  });
  return { found: [...found.values()], cells };
}

export function renderList({ found, cells }, open) {
  const parts = [];
  if (found.length === 0) parts.push(make("p", { class: "muted", text: say(cells ? "in_view_zoom" : "in_view_none") }));
  const groups = new Map();
  for (const hit of found.slice(0, MOST)) {
    if (!groups.has(hit.layer)) groups.set(hit.layer, []);
    groups.get(hit.layer).push(hit);
  }
  for (const [layer, hits] of groups) parts.push(renderGroup(layer, hits, open));
  if (found.length > MOST) parts.push(make("p", { class: "muted", text: say("in_view_more", { n: MOST }) }));
  return parts;
}

function renderGroup(layer, hits, open) {
  hits.sort((a, b) => (daysLate(b.feature.properties) ?? -1) - (daysLate(a.feature.properties) ?? -1));
  const rows = hits.map((hit) => make("li", {}, renderRow(layer, hit, open)));
  return make("section", { class: "list-group" }, make("h3", { text: pick(layer.title) }), make("ul", {}, ...rows));
}

function renderRow(layer, hit, open) {
  const { properties } = hit.feature;
  const entry = layer.style.find(properties[layer.color_by]);
  const days = daysLate(properties);
  return make("button", { type: "button", class: "list-row", onclick: () => open(hit) },
    drawSample(entry, layer.geometry, 16),
    make("span", { class: "words", text: properties.name || properties.code || say("unnamed") }),
    days === null ? make("span", { class: "muted", text: pick(entry.text) }) : make("strong", { class: "late", text: writeLateness(days) }));
}
