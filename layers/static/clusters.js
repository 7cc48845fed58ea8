// Low zooms: the server counts per grid cell, the page gathers cells to circles that do not overlap.
// Of hazards a circle shows the worst that is open, how many are late, and apart the closed ones;
// of other things the shares of the vocabulary's colours. The number inside counts what is shown.

import { countLateIn, hasDeadline } from "./counts.js";
import { formatCount } from "./i18n.js";
import { INK, LATE, symbolPath } from "./style.js";

const SPACING = 58;
const CLOSED = "#8a9199";

// Answers { clusters, dots }: where hazards are the subject, other things only say where they are.
export function gatherClusters(scene, eachFeature, origin) {
  const bins = new Map();
  const dots = [];
  const dated = scene.layers.some(hasDeadline);
  eachFeature(scene, (layer, feature, content) => {
    if (!feature.properties.cells || !content.own) return;
    const [tx, ty] = feature.parts[0];
    const x = content.left + tx * content.scale;
    const y = content.top + ty * content.scale;
    if (dated && !hasDeadline(layer)) return void dots.push({ x, y, color: layer.style.fallback.color });
    const key = `${Math.floor((x + origin.x) / SPACING)}/${Math.floor((y + origin.y) / SPACING)}`;
    if (!bins.has(key)) bins.set(key, { x: 0, y: 0, count: 0, closed: 0, late: 0, worst: null, colors: new Map(), layers: new Map() });
    addCell(bins.get(key), layer, feature.properties, x, y, scene);
  });
  const filled = [...bins.values()].filter((bin) => bin.count + bin.closed > 0);
  return { clusters: mergeTouching(filled.map(finishCluster)), dots };
}

// n_<value>: those that are open, or all where nothing closes; closed_<value>, due_<value>: of hazards.
function addCell(bin, layer, properties, x, y, scene) {
  const hidden = scene.hidden.get(layer.id);
  const shown = { open: 0, closed: 0 };
  for (const entry of layer.style.entries) {
    if (hidden?.has(String(entry.value))) continue;
    const open = properties[`n_${entry.value}`] ?? 0;
    shown.open += open;
    if (scene.showClosed) shown.closed += properties[`closed_${entry.value}`] ?? 0;
    bin.late += countLateIn(properties[`due_${entry.value}`]);
    if (open && properties.open !== undefined) bin.worst = worseOf(bin.worst, entry);
    else if (open) addColor(bin, entry.color, open);
  }
  const rest = (properties.open ?? properties.count) - sumOpen(layer, properties);
  if (rest > 0) {
    addColor(bin, layer.style.fallback.color, rest);
    shown.open += rest;
  }
  const weight = shown.open + shown.closed;
  bin.x += x * weight;
  bin.y += y * weight;
  bin.count += shown.open;
  bin.closed += shown.closed;
  bin.layers.set(layer.id, (bin.layers.get(layer.id) ?? 0) + weight);
}

const addColor = (bin, color, count) => bin.colors.set(color, (bin.colors.get(color) ?? 0) + count);

// The first of the vocabulary is the worst.
const worseOf = (one, other) => (one && (!other || (one.order ?? 0) <= (other.order ?? 0)) ? one : other);

function sumOpen(layer, properties) {
  return layer.style.entries.reduce((sum, entry) => sum + (properties[`n_${entry.value}`] ?? 0), 0);
}

function finishCluster(bin) {
  const weight = bin.count + bin.closed;
  return { ...bin, x: bin.x / weight, y: bin.y / weight, radius: radiusOf(weight) };
}

const radiusOf = (count) => Math.min(26, 13 + 4 * Math.log10(count));

// Means of neighbouring bins may come close: the fuller circle takes in what it would cover.
function mergeTouching(clusters) {
  const kept = [];
  for (const one of clusters.sort((a, b) => b.count + b.closed - a.count - a.closed)) {
    const host = kept.find((other) => Math.hypot(other.x - one.x, other.y - one.y) < other.radius + one.radius + 4);
    if (host) mergeInto(host, one);
    else kept.push(one);
  }
  return kept;
}

function mergeInto(host, one) {
  host.count += one.count;
  host.closed += one.closed;
  host.late += one.late;
  host.worst = worseOf(host.worst, one.worst);
  host.radius = radiusOf(host.count + host.closed);
  for (const [color, count] of one.colors) addColor(host, color, count);
  for (const [id, count] of one.layers) host.layers.set(id, (host.layers.get(id) ?? 0) + count);
}

export function drawDots(ctx, dots) {
  ctx.globalAlpha = 0.35;
  for (const { x, y, color } of dots) disc(ctx, x, y, 2, color);
  ctx.globalAlpha = 1;
}

export function drawCluster(ctx, cluster) {
  const { x, y, radius, count, closed, worst } = cluster;
  disc(ctx, x, y, radius + 1.5, "#ffffff");
  if (worst) ring(ctx, x, y, radius - 2, 5, worst.color);
  else if (count) drawShares(ctx, cluster);
  else ring(ctx, x, y, radius - 2, 3, CLOSED);
  ring(ctx, x, y, radius + 1.5, 0.75, "rgba(32,38,43,.55)");
  ring(ctx, x, y, radius - 4.5, 0.5, "rgba(32,38,43,.25)");
  const two = count > 0 && closed > 0;
  write(ctx, formatCount(count || closed), x, y + (two ? -3 : 0.5), { size: radius < 15 ? 10 : 11.5, color: count ? INK : "#5d666e" });
  if (two) write(ctx, `+${formatCount(closed)}`, x, y + 7, { size: 8.5, color: "#5d666e" });
  if (worst) drawSymbol(ctx, worst, x - radius * 0.85, y - radius * 0.8);
  if (cluster.late) drawBadge(ctx, formatCount(cluster.late), x + radius * 0.85, y - radius * 0.8);
}

function drawShares(ctx, { x, y, radius, count, colors }) {
  let angle = -Math.PI / 2;
  for (const [color, share] of colors) {
    const end = angle + (share / count) * 2 * Math.PI;
    ring(ctx, x, y, radius - 2, 5, color, angle, end);
    angle = end;
  }
}

// Shape repeats the level: colour is never alone.
function drawSymbol(ctx, entry, x, y) {
  const path = new Path2D(symbolPath(entry.symbol, 5));
  ctx.save();
  ctx.translate(x, y);
  ctx.lineJoin = "round";
  ctx.strokeStyle = "#ffffff";
  ctx.lineWidth = 3;
  ctx.stroke(path);
  ctx.fillStyle = entry.color;
  ctx.fill(path);
  ctx.strokeStyle = "rgba(32,38,43,.75)";
  ctx.lineWidth = 0.8;
  ctx.stroke(path);
  ctx.restore();
}

// How many are late, white on the colour of lateness.
function drawBadge(ctx, text, x, y) {
  ctx.font = fontOf(9.5);
  const half = Math.max(7, ctx.measureText(text).width / 2 + 4);
  ctx.beginPath();
  ctx.roundRect(x - half, y - 7, 2 * half, 14, 7);
  ctx.fillStyle = LATE;
  ctx.fill();
  ctx.strokeStyle = "#ffffff";
  ctx.lineWidth = 1.5;
  ctx.stroke();
  write(ctx, text, x, y + 0.5, { size: 9.5, color: "#ffffff" });
}

const fontOf = (size) => `600 ${size}px system-ui, sans-serif`;

function write(ctx, text, x, y, { size, color }) {
  ctx.font = fontOf(size);
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillStyle = color;
  ctx.fillText(text, x, y);
}

function disc(ctx, x, y, radius, color) {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.fillStyle = color;
  ctx.fill();
}

function ring(ctx, x, y, radius, width, color, from = 0, to = 2 * Math.PI) {
  ctx.beginPath();
  ctx.arc(x, y, radius, from, to);
  ctx.strokeStyle = color;
  ctx.lineWidth = width;
  ctx.stroke();
}
