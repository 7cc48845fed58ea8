// Draws the scene on one canvas over the whole view: no seams between tiles, labels and halos whole.

import { CanvasRenderer } from "./canvas_renderer.js";
import { drawCluster, drawDots, gatherClusters } from "./clusters.js";
import { daysLate } from "./clock.js";
import { drawGraticule } from "./graticule.js";
import { drawLabels } from "./labels.js";
import { eachFeature, findContent, isHidden, ownsPoint, placeTiles } from "./scene.js";
import { ACCENT, LATE, lineWidth, pointRadius, readDash, symbolPath } from "./style.js";

const L = window.L;
const KINDS = { area: 0, line: 1, point: 2 };

const widest = (layer) => (layer.geometry === "line" ? Math.max(0, ...layer.style.entries.map((entry) => entry.width ?? 0)) : 0);

export const VectorLayer = CanvasRenderer.extend({
  initialize(store, options) {
    L.Renderer.prototype.initialize.call(this, options);
    this.scene = { store, layers: [], places: [], hidden: new Map(), showClosed: false, selected: null, zoom: 0 };
    store.addEventListener("change", () => this.redraw());
  },

  // layers: visible ones; hidden: layer id -> set of values switched off in the legend.
  show(layers, hidden, showClosed) {
    const order = (layer) => (layer.background ? -1 : KINDS[layer.geometry] ?? 1);
    // A pipe lies in its street: narrow lines over wide ones, or they are not seen.
    this.scene.layers = [...layers].sort((a, b) => order(a) - order(b) || widest(b) - widest(a));
    this.scene.hidden = hidden;
    this.scene.showClosed = showClosed;
    this.redraw();
  },

  // look: (layer, feature) -> entry or null, for a theme instead of a layer's own colours; null ends it.
  recolour(look) {
    this.scene.recolour = look;
    this.redraw();
  },

  select(target) {
    this.scene.selected = target;
    this.redraw();
  },

  prepare() {
    this.scene.zoom = this._map.getZoom();
    this.scene.places = placeTiles(this._map, this._bounds);
    this.scene.store.want(this.scene.places);
  },

  draw() {
    if (!this._bounds) return;
    const ctx = this._ctx;
    const ratio = window.devicePixelRatio || 1;
    const { min } = this._bounds;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, this._container.width, this._container.height);
    ctx.setTransform(ratio, 0, 0, ratio, -min.x * ratio, -min.y * ratio);
    drawGraticule(ctx, this._map, this._bounds);
    for (const layer of this.scene.layers) {
      if (layer.geometry !== "point") drawShapes(ctx, this.scene, layer);
    }
    drawSelection(ctx, this.scene);
    for (const layer of this.scene.layers) {
      if (layer.geometry === "point") drawPoints(ctx, this.scene, layer);
    }
    drawLabels(ctx, this.scene, this._bounds);
    const { clusters, dots } = gatherClusters(this.scene, eachFeature, this._map.getPixelOrigin());
    this.scene.clusters = clusters;
    drawDots(ctx, dots);
    for (const cluster of this.scene.clusters) drawCluster(ctx, cluster);
    this.fire("drawn");
  },
});

function tracePart(path, part, { left, top, scale }) {
  path.moveTo(left + part[0] * scale, top + part[1] * scale);
  for (let at = 2; at < part.length; at += 2) {
    path.lineTo(left + part[at] * scale, top + part[at + 1] * scale);
  }
}

// One path per tile and legend entry: a stroke costs more than its vertices.
function drawShapes(ctx, scene, layer) {
  for (const place of scene.places) {
    const content = findContent(scene.store, layer, place);
    if (!content) continue;
    const paths = new Map();
    for (const feature of content.features) {
      if (feature.kind === 1 || isHidden(scene, layer, feature)) continue;
      const entry = scene.recolour?.(layer, feature) ?? layer.style.find(feature.properties[layer.color_by]);
      if (!paths.has(entry)) paths.set(entry, new Path2D());
      for (const part of feature.parts) tracePart(paths.get(entry), part, content);
    }
    if (paths.size) drawPaths(ctx, scene, layer, place, paths);
  }
}

function drawPaths(ctx, scene, layer, place, paths) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(place.left, place.top, place.size, place.size);
  ctx.clip();
  ctx.lineJoin = ctx.lineCap = "round";
  for (const [entry, path] of sortPaths(layer, paths)) {
    if (layer.background) drawBackground(ctx, path);
    else if (layer.geometry === "area") drawArea(ctx, path, entry, scene.zoom);
    else drawLine(ctx, path, entry, scene.zoom);
  }
  ctx.restore();
}

function sortPaths(layer, paths) {
  return [...paths].sort(([a], [b]) => layer.style.rank(b.value) - layer.style.rank(a.value));
}

function drawBackground(ctx, path) {
  ctx.fillStyle = "rgba(255,255,255,.55)";
  ctx.fill(path, "evenodd");
  ctx.strokeStyle = "#a9a598";
  ctx.lineWidth = 1;
  ctx.setLineDash([7, 3, 1.5, 3]);
  ctx.stroke(path);
  ctx.setLineDash([]);
}

function drawArea(ctx, path, entry, zoom) {
  ctx.globalAlpha = 0.32;
  ctx.fillStyle = entry.color;
  ctx.fill(path, "evenodd");
  ctx.globalAlpha = 1;
  ctx.strokeStyle = entry.color;
  ctx.lineWidth = Math.max(1, (entry.width ?? 1.5) * 0.8 * (zoom < 13 ? 0.7 : 1));
  ctx.setLineDash(readDash(entry));
  ctx.stroke(path);
  ctx.setLineDash([]);
}

function drawLine(ctx, path, entry, zoom) {
  const width = lineWidth(entry, zoom);
  const dash = readDash(entry);
  if (zoom >= 14) {
    ctx.strokeStyle = "rgba(255,255,255,.85)";
    ctx.lineWidth = width + 1.6;
    ctx.stroke(path);
  }
  ctx.strokeStyle = entry.color;
  ctx.lineWidth = width;
  ctx.lineCap = dash.length ? "butt" : "round";
  ctx.setLineDash(dash);
  ctx.stroke(path);
  ctx.setLineDash([]);
}

function isSelected(scene, layer, feature) {
  const { selected } = scene;
  return selected && selected.layer === layer.id && String(feature.properties.id) === selected.id;
}

function drawSelection(ctx, scene) {
  if (!scene.selected) return;
  eachFeature(scene, (layer, feature, content, place) => {
    if (feature.kind === 1 || !isSelected(scene, layer, feature)) return;
    const path = new Path2D();
    for (const part of feature.parts) tracePart(path, part, content);
    const entry = layer.style.find(feature.properties[layer.color_by]);
    ctx.save();
    ctx.beginPath();
    ctx.rect(place.left, place.top, place.size, place.size);
    ctx.clip();
    ctx.lineJoin = ctx.lineCap = "round";
    const width = feature.kind === 2 ? lineWidth(entry, scene.zoom) : 2;
    for (const [color, extra] of [["#ffffff", 9], [ACCENT, 6], [entry.color, 0]]) {
      ctx.strokeStyle = color;
      ctx.lineWidth = width + extra;
      ctx.stroke(path);
    }
    ctx.restore();
  });
}

function drawPoints(ctx, scene, layer) {
  const marks = [];
  for (const place of scene.places) {
    const content = findContent(scene.store, layer, place);
    if (!content) continue;
    for (const feature of content.features) {
      if (feature.properties.cells || isHidden(scene, layer, feature)) continue;
      for (const [x, y] of feature.parts) {
        if (content.own && !ownsPoint(content, x, y)) continue;
        marks.push({ feature, x: content.left + x * content.scale, y: content.top + y * content.scale });
      }
    }
  }
  // The first of the vocabulary is drawn last: the worst severity lies on top.
  const rank = ({ feature }) => layer.style.rank(feature.properties[layer.color_by]);
  marks.sort((a, b) => rank(b) - rank(a));
  for (const mark of marks) drawMark(ctx, scene, layer, mark);
}

function drawMark(ctx, scene, layer, { feature, x, y }) {
  const entry = layer.style.find(feature.properties[layer.color_by]);
  const radius = pointRadius(entry, scene.zoom);
  const late = daysLate(feature.properties) !== null;
  if (late) drawRing(ctx, x, y, radius + 4.5, LATE, 2.5);
  if (isSelected(scene, layer, feature)) drawRing(ctx, x, y, radius + (late ? 8.5 : 5), ACCENT, 3.5);
  const path = new Path2D(symbolPath(entry.symbol, radius));
  ctx.save();
  ctx.translate(x, y);
  ctx.globalAlpha = feature.properties.is_open === false ? 0.45 : 1;
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

function drawRing(ctx, x, y, radius, color, width) {
  for (const [style, extra] of [["#ffffff", 2], [color, 0]]) {
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
    ctx.strokeStyle = style;
    ctx.lineWidth = width + extra;
    ctx.stroke();
  }
}
