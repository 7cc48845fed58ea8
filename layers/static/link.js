// A link is a view: #z/lat/lon/layers/lang[/date[/kind:id]]. Reads and writes the hash, no more.

const EMPTY = "-";

export function readLink(hash) {
  const parts = hash.replace(/^#/, "").split("/").map(decodeSafely);
  const [z, lat, lon] = parts.slice(0, 3).map(Number);
  const placed = parts.length >= 3 && [z, lat, lon].every(Number.isFinite);
  if (!placed || Math.abs(lat) > 90 || Math.abs(lon) > 180) return {};
  const [layers, lang, asOf, target] = parts.slice(3);
  return {
    view: { z, lat, lon },
    layers: layers === undefined ? null : layers === EMPTY ? [] : layers.split(","),
    lang: lang === "en" || lang === "zh" ? lang : null,
    asOf: /^\d{4}-\d{2}-\d{2}$/.test(asOf ?? "") ? asOf : "",
    target: readTarget(target),
  };
}

function readTarget(text) {
  const at = (text ?? "").indexOf(":");
  return at > 0 ? { layer: text.slice(0, at), id: text.slice(at + 1) } : null;
}

function decodeSafely(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function writeLink({ view, layers, lang, asOf, target }) {
  const parts = [view.z, view.lat.toFixed(5), view.lon.toFixed(5), layers.join(",") || EMPTY, lang];
  if (asOf || target) parts.push(asOf || EMPTY);
  if (target) parts.push(encodeURIComponent(`${target.layer}:${target.id}`));
  return `#${parts.join("/")}`;
}
