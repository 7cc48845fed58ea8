// The data of the file: packed columns and differences of coordinates, unpacked once.

const STEP = 1e-6;
let packed = null;
const shapes = new Map();

export async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  packed = JSON.parse(await new Response(stream).text());
  for (const [kind, data] of Object.entries(packed.kinds)) shapes.set(kind, unpackKind(data));
}

// The reader's own clock decides what is late: the file knows only when it was made.
export function mapConfig() {
  return { ...packed.config, server_now: new Date().toISOString() };
}

export function everyShape(kind) {
  return shapes.get(kind) ?? [];
}

export function findShape(kind, id) {
  return everyShape(kind).find((shape) => shape.properties.id === id);
}

export function findAnywhere(id) {
  for (const kind of shapes.keys()) {
    const shape = findShape(kind, id);
    if (shape) return shape;
  }
  return null;
}

function unpackKind({ ids, columns, shapes: drawn }) {
  const names = Object.keys(columns);
  return ids.map((id, row) => {
    const properties = Object.create(null);
    properties.id = id;
    for (const name of names) {
      const value = columns[name][row];
      if (value !== null) properties[name] = value;
    }
    return unpackShape(drawn[row], properties);
  });
}

function unpackShape([kind, ...parts], properties) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const degrees = parts.map(unpackPart);
  const world = degrees.map((part) => {
    const placed = new Float64Array(part.length);
    for (let at = 0; at < part.length; at += 2) {
      const x = placed[at] = worldX(part[at]);
      const y = placed[at + 1] = worldY(part[at + 1]);
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x);
      box[3] = Math.max(box[3], y);
    }
    return placed;
  });
  return { kind, properties, parts: world, box, degrees };
}

function unpackPart(differences) {
  const part = new Float64Array(differences.length);
  let lon = 0;
  let lat = 0;
  for (let at = 0; at < differences.length; at += 2) {
    lon += differences[at];
    lat += differences[at + 1];
    part[at] = lon * STEP;
    part[at + 1] = lat * STEP;
  }
  return part;
}

// Web Mercator, the world as a unit square with its corner in the north-west.
function worldX(lon) {
  return lon / 360 + 0.5;
}

function worldY(lat) {
  const sine = Math.sin((lat * Math.PI) / 180);
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
}
