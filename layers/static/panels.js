// The panels beside the map: tree, legend, figures, list; each shows the state and changes it.

import { app, visibleLayers } from "./app.js";
import { today } from "./clock.js";
import { byId } from "./dom.js";
import { renderFigures } from "./figures.js";
import { currentLanguage, say } from "./i18n.js";
import { openFound, zoomInto } from "./identify.js";
import { renderLegend } from "./legend.js";
import { collectInView, renderList } from "./list.js";
import { renderTree } from "./tree.js";

const L = window.L;

export function showPanels() {
  const again = describeFocus(document.activeElement);
  byId("figures").replaceChildren(...renderFigures(visibleLayers()));
  byId("tree").replaceChildren(...renderTree(app.layers, app.visible, { toggle: toggleLayer, showClosed: app.showClosed }));
  byId("legend").replaceChildren(...renderLegend(visibleLayers(), { isOff, toggle: toggleValue, showClosed: app.showClosed, toggleClosed }));
  byId("legend-title").hidden = byId("legend").children.length === 0;
  byId("count-note").textContent = app.asOf ? say("count_then", { date: app.asOf }) : "";
  if (again) document.querySelector(again)?.focus();
  showList();
}

// The panels are made anew: where the focus was, so that it can come back.
function describeFocus(element) {
  for (const name of ["layer", "value"]) {
    const value = element?.dataset?.[name];
    if (value) return `[data-${name}="${CSS.escape(value)}"]`;
  }
  return null;
}

export function showList() {
  if (byId("list").hidden || !app.map) return;
  const { min, max } = app.map.getPixelBounds();
  const origin = app.map.getPixelOrigin();
  const bounds = L.bounds(min.subtract(origin), max.subtract(origin));
  const inView = collectInView(app.vectors.scene, bounds);
  // Made anew only when it says something else: the focus may be in it.
  const told = describeList(inView);
  if (told === listed) return;
  listed = told;
  byId("list-title").textContent = say("in_view");
  const open = { feature: (hit) => openFound([hit], 0), cluster: zoomInto };
  byId("list-body").replaceChildren(...renderList(inView, open));
}

let listed = null;

function describeList({ found, clusters }) {
  const circles = clusters.map(({ x, y, count, closed, late }) => [Math.round(x), Math.round(y), count, closed, late]);
  const features = found.map(({ layer, feature: { properties } }) => [layer.id, properties.id, properties.name ?? properties.code]);
  return JSON.stringify([currentLanguage(), today(), app.config.version, app.asOf, features, circles]);
}

function toggleLayer(id, on) {
  if (on) app.visible.add(id);
  else app.visible.delete(id);
  app.changed();
}

const isOff = (block, value) => block.layers.every((layer) => app.hidden.get(layer.id)?.has(value));

function toggleValue(block, value) {
  const off = !isOff(block, value);
  for (const layer of block.layers) {
    const values = app.hidden.get(layer.id) ?? new Set();
    if (off) values.add(value);
    else values.delete(value);
    app.hidden.set(layer.id, values);
  }
  app.changed();
}

function toggleClosed() {
  app.showClosed = !app.showClosed;
  app.changed();
  byId("show-closed")?.focus();
}
