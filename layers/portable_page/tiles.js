// Stands where the live page has its tiles of the server: cuts them out of the features in memory.

import { everyShape } from "./packed.js";

const EXTENT = 4096;
const MARGIN = 64;
// A vertex nearer than half a pixel to the one before is not seen.
const FINE = 4;
const KEPT = 96;
const CELLS = 16;
// Fewer points than this are never gathered to circles: each is worth its own symbol.
const CROWD = 300;

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
  const inside = (box, more) => box[2] * scale >= tile.x - more && box[0] * scale <= tile.x + 1 + more && box[3] * scale >= tile.y - more && box[1] * scale <= tile.y + 1 + more;
  const crowded = layer.geometry === "point" && shapes.length > CROWD && tile.z <= layer.aggregate_to;
  if (crowded) return { extent: EXTENT, features: countCells(layer, tile, shapes.filter((shape) => inside(shape.box, 0))) };
  const features = [];
  for (const shape of shapes) {
    if (inside(shape.box, margin)) features.push(placeShape(shape, tile, scale));
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

// As the server counts: cells with the number of each value, what is open and the first deadline.
function countCells(layer, tile, shapes) {
  const cells = new Map();
  const scale = 2 ** tile.z;
  for (const { parts: [[wx, wy]], properties } of shapes) {
    const x = wx * scale - tile.x;
    const y = wy * scale - tile.y;
    if (x < 0 || y < 0 || x >= 1 || y >= 1) continue;
    const key = Math.floor(x * CELLS) * CELLS + Math.floor(y * CELLS);
    if (!cells.has(key)) cells.set(key, { x: 0, y: 0, cells: true, count: 0, open: 0, due_at: null });
    const cell = cells.get(key);
    cell.count += 1;
    cell.x += x;
    cell.y += y;
    const value = `n_${properties[layer.color_by]}`;
    cell[value] = (cell[value] ?? 0) + 1;
    if (properties.is_open === false) continue;
    cell.open += 1;
    if (properties.due_at && (!cell.due_at || properties.due_at < cell.due_at)) cell.due_at = properties.due_at;
  }
  return [...cells.values()].map(({ x, y, ...properties }) => {
    const place = [(x / properties.count) * EXTENT, (y / properties.count) * EXTENT];
    return { kind: 1, properties, parts: [place], box: [...place, ...place] };
  });
}
