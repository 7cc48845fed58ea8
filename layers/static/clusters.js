// Low zooms: the server counts per grid cell, the page gathers cells to circles that do not overlap.
// A circle is a ring of the vocabulary's colours with the number inside: colour is never alone.

import { daysLate } from "./clock.js";
import { formatCount } from "./i18n.js";
import { INK, LATE } from "./style.js";

const SPACING = 58;

export function gatherClusters(scene, eachFeature, origin) {
  const bins = new Map();
  eachFeature(scene, (layer, feature, content) => {
    if (!feature.properties.cells || !content.own) return;
    const [tx, ty] = feature.parts[0];
    const x = content.left + tx * content.scale;
    const y = content.top + ty * content.scale;
    const key = `${Math.floor((x + origin.x) / SPACING)}/${Math.floor((y + origin.y) / SPACING)}`;
    if (!bins.has(key)) bins.set(key, { x: 0, y: 0, count: 0, late: false, colors: new Map(), layers: new Map() });
    addCell(bins.get(key), layer, feature.properties, x, y, scene);
  });
  return [...bins.values()].filter((bin) => bin.count > 0.5).map(finishCluster);
}

function addCell(bin, layer, properties, x, y, scene) {
  const hidden = scene.hidden.get(layer.id);
  // Cells of hazards count the open ones too; they are what is shown unless closed ones are.
  const open = scene.showClosed ? 1 : (properties.open ?? properties.count) / properties.count;
  bin.late ||= daysLate(properties) !== null;
  let shown = 0;
  for (const entry of layer.style.entries) {
    const count = (properties[`n_${entry.value}`] ?? 0) * open;
    if (!count || hidden?.has(String(entry.value))) continue;
    shown += count;
    bin.colors.set(entry.color, (bin.colors.get(entry.color) ?? 0) + count);
  }
  const rest = (properties.count - sumCounts(layer, properties)) * open;
  if (rest > 0) {
    const { color } = layer.style.fallback;
    bin.colors.set(color, (bin.colors.get(color) ?? 0) + rest);
    shown += rest;
  }
  bin.x += x * shown;
  bin.y += y * shown;
  bin.count += shown;
  bin.layers.set(layer.id, (bin.layers.get(layer.id) ?? 0) + shown);
}

function sumCounts(layer, properties) {
  return layer.style.entries.reduce((sum, entry) => sum + (properties[`n_${entry.value}`] ?? 0), 0);
}

function finishCluster(bin) {
  const radius = Math.min(26, 11 + 4.2 * Math.log10(bin.count));
  // Shares of open ones are apportioned by colour; their sum is whole but for rounding.
  const count = Math.round(bin.count);
  return { ...bin, count, x: bin.x / bin.count, y: bin.y / bin.count, radius };
}

export function drawCluster(ctx, cluster) {
  const { x, y, radius, count } = cluster;
  ctx.beginPath();
  ctx.arc(x, y, radius + 1.5, 0, 2 * Math.PI);
  ctx.fillStyle = "#ffffff";
  ctx.fill();
  let angle = -Math.PI / 2;
  for (const [color, share] of cluster.colors) {
    const end = angle + (share / count) * 2 * Math.PI;
    ctx.beginPath();
    ctx.arc(x, y, radius - 2, angle, end);
    ctx.strokeStyle = color;
    ctx.lineWidth = 5;
    ctx.stroke();
    angle = end;
  }
  ctx.beginPath();
  ctx.arc(x, y, radius + 1.5, 0, 2 * Math.PI);
  ctx.strokeStyle = cluster.late ? LATE : "rgba(32,38,43,.45)";
  ctx.lineWidth = cluster.late ? 2 : 0.75;
  ctx.stroke();
  ctx.fillStyle = INK;
  ctx.font = `600 ${radius < 15 ? 10 : 11.5}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(formatCount(count), x, y + 0.5);
}

