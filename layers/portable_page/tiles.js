// Stands where the live page has its tiles of the server: cuts them out of the features in memory.

import { everyShape } from "./packed.js";

const EXTENT = 4096;
const MARGIN = 64;
// A vertex nearer than half a pixel to the one before is not seen.
const FINE = 4;
const KEPT = 96;
// A tile is 512 pixels wide: cells of 16 pixels, circles that take in what is within 54.
const CELL = EXTENT / 32;
const REACH = (54 / 512) * EXTENT;
// Fewer points than this are never gathered to circles: each is worth its own symbol.
const CROWD = 100;

export class TileStore extends EventTarget {
  constructor() {
    super();
    this.tiles = new Map();
    this.wanted = [];
    this.layers = [];
    this.settled = true;
    this.failures = 0;
  }

  configure({ layers }) {
    this.layers = layers;
    this.fill();
  }

  tile(z, x, y) {
    return this.tiles.get(`${z}/${x}/${y}`);
  }

  want(places) {
    this.wanted = places.map(({ z, x, y }) => this.open(z, x, y));
    this.fill();
  }

  retry() {}

  open(z, x, y) {
    const key = `${z}/${x}/${y}`;
    const tile = this.tiles.get(key) ?? { key, z, x, y, layers: new Map() };
    this.tiles.delete(key);
    this.tiles.set(key, tile);
    for (const old of this.tiles.keys()) {
      if (this.tiles.size <= KEPT) break;
      this.tiles.delete(old);
    }
    return tile;
  }

  fill() {
    for (const tile of this.wanted) {
      for (const layer of this.layers) {
        if (!tile.layers.has(layer.id)) tile.layers.set(layer.id, cutTile(layer, tile));
      }
    }
    this.dispatchEvent(new Event("progress"));
  }
}

function cutTile(layer, tile) {
  const shapes = everyShape(layer.id);
  const scale = 2 ** tile.z;
  const margin = MARGIN / EXTENT;
  const crowded = layer.geometry === "point" && shapes.length > CROWD && tile.z <= layer.aggregate_to;
  const features = crowded ? placeCells(layer, tile) : [];
  const tooSmall = ({ properties }) => layer.ranked && tile.z < (layer.ranked.from[properties[layer.ranked.by]] ?? 0);
  for (const shape of crowded ? [] : shapes) {
    if (tooSmall(shape)) continue;
    const [west, north, east, south] = shape.box;
    const apart = east * scale < tile.x - margin || west * scale > tile.x + 1 + margin || south * scale < tile.y - margin || north * scale > tile.y + 1 + margin;
    if (!apart) features.push(placeShape(shape, tile, scale));
  }
  return { extent: EXTENT, features };
}

function placeShape(shape, tile, scale) {
  const x = (value) => (value * scale - tile.x) * EXTENT;
  const y = (value) => (value * scale - tile.y) * EXTENT;
  const [west, north, east, south] = shape.box;
  const parts = shape.kind === 1 ? shape.parts.map((part) => [x(part[0]), y(part[1])]) : shape.parts.map((part) => placePart(part, x, y));
  return { kind: shape.kind, properties: shape.properties, parts, box: [x(west), y(north), x(east), y(south)] };
}

function placePart(part, x, y) {
  const placed = [x(part[0]), y(part[1])];
  for (let at = 2; at < part.length; at += 2) {
    const px = x(part[at]);
    const py = y(part[at + 1]);
    const near = Math.abs(px - placed.at(-2)) < FINE && Math.abs(py - placed.at(-1)) < FINE;
    if (!near || at === part.length - 2) placed.push(px, py);
  }
  return placed;
}

// As the server counts: cells with the number of each value, of hazards open and closed apart and
// when the open ones fall due; over the whole plane of a zoom, so that no seam of tiles parts a crowd.
const counted = new Map();

function countCells(layer, z) {
  const key = `${layer.id}/${z}`;
  if (counted.has(key)) return counted.get(key);
  const cells = new Map();
  const units = 2 ** z * EXTENT;
  for (const { parts: [[wx, wy]], properties } of everyShape(layer.id)) {
    const [x, y] = [wx * units, wy * units];
    const at = `${Math.floor(x / CELL)},${Math.floor(y / CELL)}`;
    if (!cells.has(at)) cells.set(at, { cells: true, x: 0, y: 0, count: 0 });
    addToCell(cells.get(at), layer, properties, x, y);
  }
  counted.set(key, mergeCells([...cells.values()]));
  return counted.get(key);
}

function placeCells(layer, tile) {
  const features = [];
  for (const { x, y, ...properties } of countCells(layer, tile.z)) {
    const place = [x - tile.x * EXTENT, y - tile.y * EXTENT];
    const own = place.every((value) => value >= 0 && value < EXTENT);
    if (own) features.push({ kind: 1, properties, parts: [place], box: [...place, ...place] });
  }
  return features;
}

function addToCell(cell, layer, properties, x, y) {
  cell.count += 1;
  cell.x += (x - cell.x) / cell.count;
  cell.y += (y - cell.y) / cell.count;
  const value = properties[layer.color_by];
  const closed = properties.is_open === false;
  add(cell, `${closed ? "closed" : "n"}_${value}`, 1);
  if (properties.is_open === undefined) return;
  add(cell, "open", closed ? 0 : 1);
  if (!closed && properties.due_at) addDue(cell, `due_${value}`, `${Date.parse(properties.due_at) / 1000}*1`);
}

function add(cell, name, count) {
  cell[name] = (cell[name] ?? 0) + count;
}

function addDue(cell, name, due) {
  cell[name] = cell[name] ? `${cell[name]},${due}` : due;
}

// The fullest first takes in what its circle would cover; what it holds stays exact.
function mergeCells(cells) {
  const kept = [];
  const open = (cell) => cell.open ?? cell.count;
  for (const cell of cells.sort((a, b) => open(b) - open(a) || b.count - a.count)) {
    const host = kept.find((other) => Math.hypot(other.x - cell.x, other.y - cell.y) < REACH);
    if (host) mergeCell(host, cell);
    else kept.push(cell);
  }
  return kept;
}

function mergeCell(host, cell) {
  for (const [name, value] of Object.entries(cell)) {
    if (name.startsWith("due_")) addDue(host, name, value);
    else if (name === "count" || name === "open" || /^(n|closed)_/.test(name)) add(host, name, value);
  }
}
