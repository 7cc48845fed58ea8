// What lies under a click, and its card: features nearest first; a circle of many is entered.

import { app, findLayer, NARROW } from "./app.js";
import { byId } from "./dom.js";
import { findFeatures } from "./hit.js";
import { closeSheet } from "./page.js";
import { readJson } from "./popup.js";
import { saveLink } from "./view.js";

const findCluster = (point, reach) => app.vectors.scene.clusters?.find((one) => Math.hypot(one.x - point.x, one.y - point.y) <= one.radius + reach);

export function identify(point) {
  const cluster = findCluster(point, 3);
  const found = cluster ? [] : findFeatures(app.vectors.scene, point, NARROW.matches ? 12 : 6);
  if (app.pick && !cluster) return app.pick(found);
  if (found.length) return openFound(found, 0, point);
  app.popup.close();
  if (cluster) zoomInto(cluster);
  return undefined;
}

export function zoomInto(cluster) {
  app.map.setView(app.map.layerPointToLatLng([cluster.x, cluster.y]), app.map.getZoom() + 2);
}

export function openFound(found, index, point = null) {
  const { layer, feature } = found[index];
  app.target = { layer: layer.id, id: String(feature.properties.id) };
  app.vectors.select(app.target);
  closeSheet();
  document.body.classList.add("has-popup");
  const opened = app.popup.open(found, index);
  if (point) keepInSight(point);
  saveLink();
  return opened;
}

// The card covers a part of the map: move what was clicked out from under it.
function keepInSight(point) {
  const at = app.map.layerPointToContainerPoint(point);
  const card = byId("popup").getBoundingClientRect();
  const frame = byId("map").getBoundingClientRect();
  const [x, y] = [at.x + frame.left, at.y + frame.top];
  if (x < card.left - 20 || x > card.right || y < card.top - 20 || y > card.bottom) return;
  const by = NARROW.matches ? [0, y - (frame.top + card.top) / 2] : [x - (frame.left + card.left) / 2, 0];
  app.map.panBy(by);
}

export function closePopup() {
  app.target = null;
  app.vectors.select(null);
  document.body.classList.remove("has-popup");
  saveLink();
  document.dispatchEvent(new Event("map:closed"));
}

export function stepPopup(by) {
  const { found, index } = app.popup.shown;
  openFound(found, (index + by + found.length) % found.length);
}

export async function locate({ layer, feature }) {
  const item = await readJson(layer.item.replace("{id}", encodeURIComponent(feature.properties.id)), app.asOf);
  const flat = (item.geometry?.coordinates ?? []).flat(Infinity);
  // Positions may carry a height: their length is that of the innermost list.
  let inner = item.geometry?.coordinates;
  while (Array.isArray(inner?.[0])) inner = inner[0];
  const places = flat.filter((_, at) => at % inner.length === 0).map((lon, at) => [flat[at * inner.length + 1], lon]);
  if (places.length) app.map.fitBounds(places, { maxZoom: 18, padding: [60, 60] });
}

export function goToResult(result) {
  const layer = findLayer(result.kind);
  app.map.setView([result.lat, result.lon], Math.max(app.map.getZoom(), 17), { animate: false });
  if (!layer) return;
  app.visible.add(layer.id);
  app.changed();
  const feature = { properties: { id: result.id, code: result.code, name: result.name } };
  openFound([{ layer, feature }], 0, app.map.latLngToLayerPoint([result.lat, result.lon]));
}

// The card a link asks for.
export function openTarget() {
  if (!app.target) return;
  openFound([{ layer: findLayer(app.target.layer), feature: { properties: { id: app.target.id } } }], 0);
}

export function hover(event) {
  if (NARROW.matches || app.map._animatingZoom || !app.vectors.scene.clusters) return;
  const over = findCluster(event.layerPoint, 0) || findFeatures(app.vectors.scene, event.layerPoint, 4).length > 0;
  byId("map").classList.toggle("is-over", Boolean(over));
}
