// What lies where on the screen: tiles in view, and features in them as pixels of the map's plane.

// Tiles are drawn at 512 px: a quarter of the requests of 256 px, and as sharp, being vectors.
export const TILE_SIZE = 512;
const DEEPEST = 18;

export function tileZoom(zoom) {
  return Math.max(0, Math.min(DEEPEST, Math.round(zoom) - 1));
}

// The tiles under bounds (layer points of the map), each with its place, nearest to the middle first.
export function placeTiles(map, bounds) {
  const zoom = map.getZoom();
  const z = tileZoom(zoom);
  const size = TILE_SIZE * 2 ** (zoom - 1 - z);
  const origin = map.getPixelOrigin();
  const last = 2 ** z - 1;
  const from = bounds.min.add(origin).divideBy(size).floor();
  const to = bounds.max.add(origin).divideBy(size).floor();
  const middle = bounds.getCenter().add(origin).divideBy(size);
  const places = [];
  for (let y = Math.max(0, from.y); y <= Math.min(last, to.y); y++) {
    for (let x = Math.max(0, from.x); x <= Math.min(last, to.x); x++) {
      const away = Math.hypot(x + 0.5 - middle.x, y + 0.5 - middle.y);
      places.push({ z, x, y, size, away, left: x * size - origin.x, top: y * size - origin.y });
    }
  }
  return places.sort((a, b) => a.away - b.away);
}

// The loaded content of a layer at a place: its own tile, else a piece of the nearest larger one.
export function findContent(store, layer, place) {
  for (let up = 0; up <= 4 && place.z - up >= 0; up++) {
    const factor = 2 ** up;
    const x = Math.floor(place.x / factor);
    const y = Math.floor(place.y / factor);
    const content = store.tile(place.z - up, x, y)?.layers.get(layer.id);
    if (!content) continue;
    const size = place.size * factor;
    return {
      own: up === 0,
      features: content.features,
      extent: content.extent,
      scale: size / content.extent,
      left: place.left - (place.x - x * factor) * place.size,
      top: place.top - (place.y - y * factor) * place.size,
    };
  }
  return null;
}

// Whether a point of a tile belongs to it: tiles overlap by a margin, and a point is drawn once.
export function ownsPoint(content, x, y) {
  return x >= 0 && y >= 0 && x < content.extent && y < content.extent;
}

// Every feature of the visible layers in view, each tile's copy of it: visit(layer, feature, content, place).
export function eachFeature(scene, visit) {
  for (const layer of scene.layers) {
    for (const place of scene.places) {
      const content = findContent(scene.store, layer, place);
      if (!content) continue;
      for (const feature of content.features) {
        if (!isHidden(scene, layer, feature)) visit(layer, feature, content, place);
      }
    }
  }
}

export function isHidden(scene, layer, feature) {
  if (feature.properties.is_open === false && !scene.showClosed) return true;
  const hidden = scene.hidden.get(layer.id);
  return Boolean(hidden?.size) && hidden.has(String(feature.properties[layer.color_by]));
}
