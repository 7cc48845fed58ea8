// A traced part of the network over the map: the rest pales, pipes in the colour of their system,
// arrows with the water, outfalls and dead ends marked.

import { CanvasRenderer } from "./canvas_renderer.js";
import { ACCENT, INK, LATE, lineWidth, PAPER } from "./style.js";

const L = window.L;
const CELL = 54;
const NODES_FROM = 16;
const LABELS_FROM = 13;
const UNKNOWN = "#52606d";
export const BUILT = new Set(["completed", "accepted"]);

// Places of the plane at zoom 0, so that a redraw only multiplies.
function project(coordinates) {
  const flat = new Float64Array(coordinates.length * 2);
  coordinates.forEach(([lon, lat], at) => {
    const { x, y } = L.CRS.EPSG3857.latLngToPoint(L.latLng(lat, lon), 0);
    flat[2 * at] = x;
    flat[2 * at + 1] = y;
  });
  return flat;
}

const middleOf = (flat) => {
  const at = 2 * Math.floor((flat.length / 2 - 1) / 2);
  return { x: (flat[at] + flat[at + 2]) / 2, y: (flat[at + 1] + flat[at + 3]) / 2, dx: flat[at + 2] - flat[at], dy: flat[at + 3] - flat[at + 1] };
};

function readPipe({ id, geometry, properties }) {
  const flat = project(geometry.coordinates);
  const middle = middleOf(flat);
  const turn = properties.is_backward ? Math.PI : 0;
  return { id, flat, middle, angle: Math.atan2(middle.dy, middle.dx) + turn, system: properties.system, isBuilt: BUILT.has(properties.progress), isUsed: properties.service_state === "in_use" || !properties.service_state };
}

export const TraceLayer = CanvasRenderer.extend({
  options: { pane: "trace" },

  // colours: system -> colour.
  initialize(colours, options) {
    L.Renderer.prototype.initialize.call(this, options);
    this.colours = colours;
    this.empty();
  },

  empty() {
    Object.assign(this, { pipes: [], nodes: [], start: null, marked: new Set(), way: new Set() });
    this.redraw();
  },

  // answer: a FeatureCollection of pipes and nodes; ends: { outfalls, dead }, sets of node ids.
  show(answer, { outfalls, dead, start }) {
    this.pipes = answer.features.filter(({ properties }) => properties.kind === "sewer_pipe").map(readPipe);
    this.nodes = answer.features
      .filter(({ properties }) => properties.kind !== "sewer_pipe")
      .map(({ id, geometry, properties }) => ({ id, flat: project([geometry.coordinates]), code: properties.code, isOutfall: outfalls.has(id), isDead: dead.has(id), isStart: id === start }));
    this.start = start;
    this.marked = new Set();
    this.redraw();
  },

  mark(ids) {
    this.marked = new Set(ids);
    this.redraw();
  },

  followWay(ids) {
    this.way = new Set(ids);
    this.redraw();
  },

  draw() {
    if (!this._bounds) return;
    const ctx = this._ctx;
    const ratio = window.devicePixelRatio || 1;
    const { min } = this._bounds;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, this._container.width, this._container.height);
    if (!this.pipes.length && !this.nodes.length) return;
    ctx.setTransform(ratio, 0, 0, ratio, -min.x * ratio, -min.y * ratio);
    const zoom = this._map.getZoom();
    const view = { zoom, scale: 2 ** zoom, origin: this._map.getPixelOrigin(), width: lineWidth({ width: 3.4 }, zoom), colours: this.colours };
    paintVeil(ctx, this._bounds);
    const seen = this.pipes.filter(({ flat }) => isNear(flat, view, this._bounds));
    paintPipes(ctx, seen, view, this);
    paintArrows(ctx, seen, view);
    paintNodes(ctx, this.nodes, view, this._bounds);
  },
});

function paintVeil(ctx, { min, max }) {
  ctx.fillStyle = PAPER;
  ctx.globalAlpha = 0.62;
  ctx.fillRect(min.x, min.y, max.x - min.x, max.y - min.y);
  ctx.globalAlpha = 1;
}

const at = (flat, index, { scale, origin }) => [flat[index] * scale - origin.x, flat[index + 1] * scale - origin.y];

function isNear(flat, view, { min, max }) {
  let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let index = 0; index < flat.length; index += 2) {
    const [x, y] = at(flat, index, view);
    west = Math.min(west, x);
    east = Math.max(east, x);
    north = Math.min(north, y);
    south = Math.max(south, y);
  }
  return east >= min.x && west <= max.x && south >= min.y && north <= max.y;
}

function pathOf(pipes, view) {
  const path = new Path2D();
  for (const { flat } of pipes) {
    path.moveTo(...at(flat, 0, view));
    for (let index = 2; index < flat.length; index += 2) path.lineTo(...at(flat, index, view));
  }
  return path;
}

function stroke(ctx, path, color, width, dash = []) {
  ctx.strokeStyle = color;
  ctx.lineWidth = width;
  ctx.setLineDash(dash);
  ctx.stroke(path);
  ctx.setLineDash([]);
}

function paintPipes(ctx, pipes, view, { marked, way, start }) {
  ctx.lineJoin = ctx.lineCap = "round";
  const chosen = pathOf(pipes.filter(({ id }) => marked.has(id)), view);
  stroke(ctx, pathOf(pipes.filter(({ id }) => way.has(id) || id === start), view), ACCENT, view.width + 9);
  stroke(ctx, chosen, LATE, view.width + 10);
  stroke(ctx, pathOf(pipes, view), "#ffffff", view.width + 4);
  const looks = new Map();
  for (const pipe of pipes) {
    const look = `${pipe.system}|${pipe.isBuilt}|${pipe.isUsed}`;
    looks.set(look, [...(looks.get(look) ?? []), pipe]);
  }
  for (const members of looks.values()) {
    const [{ system, isBuilt, isUsed }] = members;
    ctx.lineCap = isBuilt && isUsed ? "round" : "butt";
    stroke(ctx, pathOf(members, view), view.colours.get(system) ?? UNKNOWN, view.width, isUsed ? (isBuilt ? [] : [7, 4]) : [2, 4]);
  }
}

// One arrow for each piece of the screen, else a town is nothing but arrows.
function paintArrows(ctx, pipes, view) {
  const taken = new Set();
  const reach = view.width / 2 + 3.6;
  for (const { middle, angle, system } of pipes) {
    const x = middle.x * view.scale - view.origin.x;
    const y = middle.y * view.scale - view.origin.y;
    const cell = `${Math.floor(x / CELL)}:${Math.floor(y / CELL)}`;
    if (taken.has(cell)) continue;
    taken.add(cell);
    ctx.save();
    ctx.translate(x, y);
    ctx.rotate(angle);
    ctx.beginPath();
    ctx.moveTo(reach + 1.5, 0);
    ctx.lineTo(-reach, -reach);
    ctx.lineTo(-reach * 0.45, 0);
    ctx.lineTo(-reach, reach);
    ctx.closePath();
    ctx.lineJoin = "round";
    ctx.strokeStyle = "#ffffff";
    ctx.lineWidth = 2.4;
    ctx.stroke();
    ctx.fillStyle = view.colours.get(system) ?? UNKNOWN;
    ctx.fill();
    ctx.restore();
  }
}

function paintNodes(ctx, nodes, view, { min, max }) {
  const places = nodes.map((node) => [node, ...at(node.flat, 0, view)]).filter(([, x, y]) => x >= min.x && x <= max.x && y >= min.y && y <= max.y);
  if (view.zoom >= NODES_FROM) {
    for (const [node, x, y] of places) if (!node.isOutfall && !node.isDead && !node.isStart) paintDot(ctx, x, y, 3.2, "#ffffff", INK, 1.1);
  }
  for (const [node, x, y] of places) if (node.isDead) paintSquare(ctx, x, y);
  for (const [node, x, y] of places) if (node.isOutfall) paintOutfall(ctx, x, y);
  for (const [node, x, y] of places) if (node.isStart) paintStart(ctx, x, y);
  if (view.zoom >= LABELS_FROM) for (const [node, x, y] of places) if ((node.isOutfall || node.isStart) && node.code) paintLabel(ctx, node.code, x, y);
}

function paintDot(ctx, x, y, radius, fill, line, width) {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.fillStyle = fill;
  ctx.fill();
  ctx.strokeStyle = line;
  ctx.lineWidth = width;
  ctx.stroke();
}

function paintStart(ctx, x, y) {
  paintDot(ctx, x, y, 8, "#ffffff", "#ffffff", 3);
  paintDot(ctx, x, y, 7, "#ffffff", ACCENT, 3);
  paintDot(ctx, x, y, 2.6, ACCENT, ACCENT, 1);
}

// The marks are those of the panel's legend.
export const OUTFALL_PATH = "M-8 -6H8L0 8z";
export const DEAD_END_PATH = "M-5 -5H5V5H-5z";

function paintPath(ctx, path, x, y, fill, line) {
  ctx.save();
  ctx.translate(x, y);
  ctx.lineJoin = "round";
  const shape = new Path2D(path);
  ctx.strokeStyle = "#ffffff";
  ctx.lineWidth = 5;
  ctx.stroke(shape);
  ctx.fillStyle = fill;
  ctx.fill(shape);
  ctx.strokeStyle = line;
  ctx.lineWidth = 2;
  ctx.stroke(shape);
  ctx.restore();
}

const paintOutfall = (ctx, x, y) => paintPath(ctx, OUTFALL_PATH, x, y, ACCENT, ACCENT);
const paintSquare = (ctx, x, y) => paintPath(ctx, DEAD_END_PATH, x, y, "#ffffff", LATE);

function paintLabel(ctx, words, x, y) {
  ctx.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
  ctx.lineJoin = "round";
  ctx.strokeStyle = "rgba(255,255,255,.95)";
  ctx.lineWidth = 3.5;
  ctx.strokeText(words, x + 12, y + 4);
  ctx.fillStyle = INK;
  ctx.fillText(words, x + 12, y + 4);
}
