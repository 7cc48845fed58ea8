// Which features lie under a finger or a cursor: points first, then lines, then areas.

import { eachFeature, ownsPoint } from "./scene.js";
import { lineWidth, pointRadius } from "./style.js";

const REACH = 6;

// Answers [{ layer, feature }], nearest first within each kind of geometry, each feature once.
export function findFeatures(scene, point, reach = REACH) {
  const found = new Map();
  eachFeature(scene, (layer, feature, content) => {
    if (layer.background || feature.properties.cells || !feature.box) return;
    const x = (point.x - content.left) / content.scale;
    const y = (point.y - content.top) / content.scale;
    const entry = layer.style.find(feature.properties[layer.color_by]);
    const slack = (slackOf(feature.kind, entry, scene.zoom) + reach) / content.scale;
    if (!boxHolds(feature.box, x, y, slack)) return;
    const away = distance(feature, x, y, content) * content.scale;
    if (away > Math.max(0, slack * content.scale)) return;
    const key = `${layer.id}/${feature.properties.id}`;
    const score = (feature.kind === 1 ? 0 : feature.kind === 2 ? 1000 : 2000) + away;
    if (!found.has(key) || found.get(key).score > score) found.set(key, { layer, feature, score });
  });
  return [...found.values()].sort((a, b) => a.score - b.score);
}

function slackOf(kind, entry, zoom) {
  if (kind === 1) return pointRadius(entry, zoom);
  if (kind === 2) return lineWidth(entry, zoom) / 2;
  return -REACH;
}

function boxHolds([west, north, east, south], x, y, slack) {
  const margin = Math.max(0, slack);
  return x >= west - margin && x <= east + margin && y >= north - margin && y <= south + margin;
}

// In tile units; an area is 0 inside and out of reach outside.
function distance(feature, x, y, content) {
  if (feature.kind === 1) return pointDistance(feature.parts, x, y, content);
  if (feature.kind === 2) return Math.min(...feature.parts.map((part) => lineDistance(part, x, y)));
  return ringsHold(feature.parts, x, y) ? 0 : Infinity;
}

function pointDistance(parts, x, y, content) {
  let best = Infinity;
  for (const [px, py] of parts) {
    if (ownsPoint(content, px, py)) best = Math.min(best, Math.hypot(px - x, py - y));
  }
  return best;
}

function lineDistance(part, x, y) {
  let best = Infinity;
  for (let at = 0; at + 3 < part.length; at += 2) {
    best = Math.min(best, segmentDistance(x, y, part[at], part[at + 1], part[at + 2], part[at + 3]));
  }
  return best;
}

function segmentDistance(x, y, x1, y1, x2, y2) {
  const dx = x2 - x1;
  const dy = y2 - y1;
  const along = dx || dy ? ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy) : 0;
  const t = Math.max(0, Math.min(1, along));
  return Math.hypot(x - x1 - t * dx, y - y1 - t * dy);
}

// Even-odd over all rings, so that holes are outside.
function ringsHold(rings, x, y) {
  let inside = false;
  for (const ring of rings) {
    for (let at = 0; at + 3 < ring.length; at += 2) {
      const [x1, y1, x2, y2] = [ring[at], ring[at + 1], ring[at + 2], ring[at + 3]];
      if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
    }
  }
  return inside;
}
