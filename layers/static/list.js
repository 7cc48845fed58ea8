// What is in view, as a list: the map for keyboards and screen readers, and a quick table for all.

import { daysLate } from "./clock.js";
import { make } from "./dom.js";
import { formatNumber, pick, say } from "./i18n.js";
import { writeLateness } from "./labels.js";
import { drawSample } from "./legend.js";
import { eachFeature } from "./scene.js";

const MOST = 200;

// Features whose box touches the visible part of the map, once each; bounds in layer points.
export function collectInView(scene, bounds) {
  const found = new Map();
  let unnamed = false;
  eachFeature(scene, (layer, feature, content) => {
    if (layer.background || !feature.box || feature.properties.cells) return;
    // Tiles below the zoom that names features hold too many of them for a list.
    if (layer.named_from > 0 && !feature.properties.code) return void (unnamed = true);
    const [west, north, east, south] = feature.box;
    const x = (value) => content.left + value * content.scale;
    const y = (value) => content.top + value * content.scale;
    const apart = x(east) < bounds.min.x || x(west) > bounds.max.x || y(south) < bounds.min.y || y(north) > bounds.max.y;
    if (!apart) found.set(`${layer.id}/${feature.properties.id}`, { layer, feature });
  });
  const within = (cluster) => cluster.x >= bounds.min.x && cluster.x <= bounds.max.x && cluster.y >= bounds.min.y && cluster.y <= bounds.max.y;
  return { found: [...found.values()], clusters: (scene.clusters ?? []).filter(within), unnamed };
}

// open: { feature(hit), cluster(cluster) }.
export function renderList({ found, clusters, unnamed }, open) {
  const parts = [];
  const empty = found.length + clusters.length === 0;
  if (empty || unnamed) parts.push(make("p", { class: "muted", text: say(unnamed ? "in_view_zoom" : "in_view_none") }));
  if (clusters.length) parts.push(renderClusters(clusters, open.cluster));
  const groups = new Map();
  for (const hit of found.slice(0, MOST)) {
    if (!groups.has(hit.layer)) groups.set(hit.layer, []);
    groups.get(hit.layer).push(hit);
  }
  for (const [layer, hits] of groups) parts.push(renderGroup(layer, hits, open.feature));
  if (found.length > MOST) parts.push(make("p", { class: "muted", text: say("in_view_more", { n: MOST }) }));
  return parts;
}

// Circles of many, the latest first: they are worth more than a number to who cannot see them.
function renderClusters(clusters, open) {
  const sorted = [...clusters].sort((a, b) => b.late - a.late || b.count - a.count);
  const rows = sorted.map((cluster) => make("li", {}, renderCluster(cluster, open)));
  return make("section", { class: "list-group" }, make("h3", { text: say("in_view_zoom") }), make("ul", {}, ...rows));
}

function renderCluster(cluster, open) {
  const { count, closed, late, worst } = cluster;
  const words = [say("group_count", { n: formatNumber(count) })];
  if (worst) words.push(say("group_worst", { level: pick(worst.text) }));
  if (closed) words.push(say("group_closed", { n: formatNumber(closed) }));
  return make("button", { type: "button", class: "list-row", "data-cluster": count, "data-late": late, "data-worst": worst?.value, "data-closed": closed, onclick: () => open(cluster) },
    worst ? drawSample(worst, "point", 16) : null,
    make("span", { class: "words", text: words.join(say("separator")) }),
    late ? make("strong", { class: "late", text: say("group_late", { n: formatNumber(late) }) }) : null);
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
