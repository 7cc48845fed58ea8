// Reads Mapbox Vector Tiles (version 2): bytes in, plain features out. Nothing here knows a map.
//
// decodeTile(buffer) -> Map(layer name -> { extent, features: [{ kind, properties, parts, box }] })
//   kind   1 points, 2 lines, 3 areas (the numbers of the format)
//   parts  flat coordinate lists [x0, y0, x1, y1, …] in tile units
//   box    [west, north, east, south] in tile units

class Reader {
  constructor(bytes, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    this.end = end;
  }

  // Multiplication, not shifts: a 64-bit varint does not fit the 32 bits of a shift.
  varint() {
    let value = 0;
    let factor = 1;
    for (;;) {
      if (this.at >= this.end) throw new RangeError("tile ends inside a number");
      const byte = this.bytes[this.at++];
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
  }

  zigzag() {
    const value = this.varint();
    return value % 2 ? -(value + 1) / 2 : value / 2;
  }

  block() {
    const length = this.varint();
    const start = this.at;
    this.at += length;
    if (this.at > this.end) throw new RangeError("tile ends inside a block");
    return new Reader(this.bytes, start, this.at);
  }

  text() {
    const block = this.block();
    return utf8.decode(this.bytes.subarray(block.at, block.end));
  }

  skip(wire) {
    if (wire === 0) this.varint();
    else if (wire === 1) this.at += 8;
    else if (wire === 2) this.block();
    else if (wire === 5) this.at += 4;
    else throw new RangeError(`unknown wire type ${wire}`);
  }

  // Calls read(field, wire) per field; a reader that answers false has not consumed it.
  fields(read) {
    while (this.at < this.end) {
      const key = this.varint();
      if (read(key >> 3, key & 7) === false) this.skip(key & 7);
    }
  }
}

const utf8 = new TextDecoder();

export function decodeTile(buffer) {
  const layers = new Map();
  const reader = new Reader(new Uint8Array(buffer));
  reader.fields((field) => {
    if (field !== 3) return false;
    const layer = decodeLayer(reader.block());
    layers.set(layer.name, layer);
  });
  return layers;
}

function decodeLayer(reader) {
  const layer = { name: "", extent: 4096, features: [] };
  const keys = [];
  const values = [];
  const raw = [];
  reader.fields((field) => {
    if (field === 1) layer.name = reader.text();
    else if (field === 2) raw.push(reader.block());
    else if (field === 3) keys.push(reader.text());
    else if (field === 4) values.push(decodeValue(reader.block()));
    else if (field === 5) layer.extent = reader.varint();
    else return false;
  });
  layer.features = raw.map((block) => decodeFeature(block, keys, values));
  return layer;
}

function decodeValue(reader) {
  let value = null;
  reader.fields((field) => {
    if (field === 1) value = reader.text();
    else if (field === 2) [value, reader.at] = [reader.view.getFloat32(reader.at, true), reader.at + 4];
    else if (field === 3) [value, reader.at] = [reader.view.getFloat64(reader.at, true), reader.at + 8];
    else if (field === 4 || field === 5) value = reader.varint();
    else if (field === 6) value = reader.zigzag();
    else if (field === 7) value = reader.varint() !== 0;
    else return false;
  });
  return value;
}

function decodeFeature(reader, keys, values) {
  const feature = { kind: 0, properties: Object.create(null), parts: [], box: null };
  reader.fields((field) => {
    if (field === 1) feature.properties.id = reader.varint();
    else if (field === 2) decodeTags(reader.block(), keys, values, feature.properties);
    else if (field === 3) feature.kind = reader.varint();
    else if (field === 4) [feature.parts, feature.box] = decodeGeometry(reader.block());
    else return false;
  });
  return feature;
}

function decodeTags(reader, keys, values, properties) {
  while (reader.at < reader.end) {
    const key = keys[reader.varint()];
    properties[key] = values[reader.varint()];
  }
}

function decodeGeometry(reader) {
  const parts = [];
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  let part = [];
  let x = 0;
  let y = 0;
  while (reader.at < reader.end) {
    const command = reader.varint();
    const action = command & 7;
    if (action === 7) {
      part.push(part[0], part[1]);
      continue;
    }
    for (let left = command >> 3; left > 0; left--) {
      x += reader.zigzag();
      y += reader.zigzag();
      if (action === 1) parts.push((part = []));
      part.push(x, y);
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x);
      box[3] = Math.max(box[3], y);
    }
  }
  return [parts, box];
}
