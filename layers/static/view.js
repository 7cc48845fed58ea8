// Where the map looks, and the link that says so.

import { app, findLayer, takeDate } from "./app.js";
import { byId } from "./dom.js";
import { currentLanguage } from "./i18n.js";
import { writeLink } from "./link.js";

export function saveLink() {
  if (!app.map) return;
  const { lat, lng } = app.map.getCenter();
  const layers = app.layers.filter((layer) => app.visible.has(layer.id)).map((layer) => layer.id);
  const link = { view: { z: app.map.getZoom(), lat, lon: lng }, layers, lang: currentLanguage(), asOf: app.asOf, target: app.target, trace: app.trace };
  history.replaceState(null, "", `${location.pathname}${location.search}${writeLink(link)}`);
  for (const other of byId("maps").querySelectorAll("a")) {
    other.href = `/maps/${other.dataset.map}?lang=${currentLanguage()}`;
  }
}

export function followLink(link) {
  const wanted = link.layers ?? app.layers.filter((layer) => layer.visible !== false).map((layer) => layer.id);
  app.visible = new Set(wanted.filter(findLayer));
  takeDate(link.asOf ?? "");
  app.target = link.target && findLayer(link.target.layer) ? link.target : null;
  app.trace = link.trace ?? null;
  if (link.view) app.map.setView([link.view.lat, link.view.lon], link.view.z, { animate: false });
  else goHome();
}

export function goHome() {
  const [west, south, east, north] = app.config.bounds ?? [97.5, 21.1, 106.2, 29.3];
  app.map.fitBounds([[south, west], [north, east]], { animate: false, padding: [12, 12] });
}
