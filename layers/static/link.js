// A link is a view: #z/lat/lon/layers/lang[/date[/kind:id[/mode:id]]]. Reads and writes the hash, no more.

const EMPTY = "-";

export function readLink(hash) {
  const parts = hash.replace(/^#/, "").split("/").map(decodeSafely);
  const [z, lat, lon] = parts.slice(0, 3).map(Number);
  const placed = parts.length >= 3 && [z, lat, lon].every(Number.isFinite);
  if (!placed || Math.abs(lat) > 90 || Math.abs(lon) > 180) return {};
  const [layers, lang, asOf, target, trace] = parts.slice(3);
  return {
    view: { z, lat, lon },
    layers: layers === undefined ? null : layers === EMPTY ? [] : layers.split(","),
    lang: lang === "en" || lang === "zh" ? lang : null,
    asOf: /^\d{4}-\d{2}-\d{2}$/.test(asOf ?? "") ? asOf : "",
    target: readTarget(target),
    trace: readTrace(trace),
  };
}

function readTarget(text) {
  const at = (text ?? "").indexOf(":");
  return at > 0 ? { layer: text.slice(0, at), id: text.slice(at + 1) } : null;
}

function readTrace(text) {
  const [mode, id] = (text ?? "").split(":");
  return id ? { mode, id } : null;
}

function decodeSafely(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function writeLink({ view, layers, lang, asOf, target, trace }) {
  const parts = [view.z, view.lat.toFixed(5), view.lon.toFixed(5), layers.join(",") || EMPTY, lang];
  if (asOf || target || trace) parts.push(asOf || EMPTY);
  if (target || trace) parts.push(target ? encodeURIComponent(`${target.layer}:${target.id}`) : EMPTY);
  if (trace) parts.push(encodeURIComponent(`${trace.mode}:${trace.id}`));
  return `#${parts.join("/")}`;
}
