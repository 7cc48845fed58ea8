// The layer tree: groups, a switch and a live count per layer, and how its values are shared.

import { countLayer, countValue } from "./counts.js";
import { make, makeSvg } from "./dom.js";
import { formatNumber, pick, say } from "./i18n.js";
import { drawSample } from "./legend.js";

// visible: set of layer ids; on: { toggle(id, on), showClosed }.
export function renderTree(layers, visible, on) {
  const groups = new Map();
  for (const layer of layers) {
    const title = pick(layer.group);
    if (!groups.has(title)) groups.set(title, []);
    groups.get(title).push(layer);
  }
  if (!groups.size) return [make("p", { class: "muted", text: say("no_layers") })];
  return [...groups].map(([title, members]) => renderGroup(title, members, visible, on));
}

function renderGroup(title, layers, visible, on) {
  const rows = layers.map((layer) => renderLayer(layer, visible.has(layer.id), on));
  return make("fieldset", { class: "tree-group" }, make("legend", { text: title }), ...rows);
}

function renderLayer(layer, isOn, { toggle, showClosed }) {
  const box = make("input", { type: "checkbox", id: `layer-${layer.id}`, "data-layer": layer.id, onchange: (event) => toggle(layer.id, event.target.checked) });
  box.checked = isOn;
  const count = make("span", { class: "count", text: layer.count === undefined ? "" : formatNumber(countLayer(layer, showClosed)) });
  return make(
    "label",
    { class: "tree-layer", for: box.id },
    box,
    drawSample(sampleEntry(layer, showClosed), layer.geometry),
    make("span", { class: "words", text: pick(layer.title) }),
    count,
    renderShares(layer, showClosed),
  );
}

// The commonest value stands for the layer.
function sampleEntry(layer, showClosed) {
  const counted = layer.style.entries.map((entry) => [countValue([layer], entry.value, showClosed), entry]);
  const [, entry] = counted.sort(([a], [b]) => b - a)[0] ?? [0, layer.style.fallback];
  return entry;
}

function renderShares(layer, showClosed) {
  const total = countLayer(layer, showClosed);
  const bar = makeSvg("svg", { class: "shares", viewBox: "0 0 100 3", preserveAspectRatio: "none", "aria-hidden": "true" });
  let at = 0;
  for (const entry of layer.style.entries) {
    const share = total ? (countValue([layer], entry.value, showClosed) / total) * 100 : 0;
    if (share > 0) bar.append(makeSvg("rect", { x: at, y: 0, width: share, height: 3, fill: entry.color }));
    at += share;
  }
  return at > 0 ? bar : null;
}
