// Answers what the live page asks its server, from the data of the file. Nothing leaves the page.

import { everyShape, findAnywhere, findShape, mapConfig } from "./packed.js";

export async function answerFromFile(address) {
  const url = new URL(address);
  const found = findAnswer(url.pathname, url.searchParams);
  return new Response(JSON.stringify(found ?? null), { status: found ? 200 : 404 });
}

function findAnswer(path, query) {
  if (/\/config$/.test(path)) return mapConfig();
  if (/\/search$/.test(path)) return search(query.get("q"), Number(query.get("limit") ?? 10));
  const [, kind, id] = /\/collections\/(\w+)\/items(?:\/([^/]+))?$/.exec(path) ?? [];
  if (id) return describe(findShape(kind, decodeURIComponent(id)));
  if (kind) return { features: findOpen(kind, query.get("asset_id")).map(describe) };
  return null;
}

function findOpen(kind, asset) {
  return everyShape(kind).filter(({ properties }) => properties.asset_id === asset && properties.is_open);
}

function describe(shape) {
  if (!shape) return null;
  const { id, ...properties } = shape.properties;
  const asset = properties.asset_id && findAnywhere(properties.asset_id);
  // A person knows a place by its name; where the file lacks the asset, its id is all there is.
  if (asset) properties.asset_id = [asset.properties.name, asset.properties.code].filter(Boolean).join(" · ");
  const places = shape.degrees.flatMap((part) => Array.from({ length: part.length / 2 }, (_, at) => [part[2 * at], part[2 * at + 1]]));
  return { type: "Feature", id, geometry: { type: "MultiPoint", coordinates: places }, properties };
}

// Exact codes first, then what begins with the words, then what holds them.
function search(words, limit) {
  const wanted = words.toLowerCase();
  const found = [];
  for (const { id: kind } of mapConfig().layers) {
    for (const shape of everyShape(kind)) {
      const rank = rankOf(shape.properties, wanted);
      if (rank < 3) found.push({ rank, kind, shape });
    }
  }
  found.sort((a, b) => a.rank - b.rank || String(a.shape.properties.code).localeCompare(String(b.shape.properties.code)));
  return found.slice(0, limit).map(({ kind, shape }) => {
    const middle = shape.degrees[0];
    const at = 2 * Math.floor(middle.length / 4);
    const { id, code, name } = shape.properties;
    return { kind, id, code, name, lon: middle[at], lat: middle[at + 1] };
  });
}

function rankOf(properties, wanted) {
  const texts = [properties.code, properties.name].map((text) => String(text ?? "").toLowerCase());
  if (texts.includes(wanted)) return 0;
  if (texts.some((text) => text.startsWith(wanted))) return 1;
  return texts.some((text) => text.includes(wanted)) ? 2 : 3;
}
