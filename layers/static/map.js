// The live map: reads its config from the server, keeps one state, and lets each part show it.

import { VectorLayer } from "./canvas.js";
import { setClock, today } from "./clock.js";
import { byId, make, makeIcon } from "./dom.js";
import { findFeatures } from "./hit.js";
import { currentLanguage, otherLanguage, pick, say, useLanguage } from "./i18n.js";
import { renderLegend } from "./legend.js";
import { readLink, writeLink } from "./link.js";
import { collectInView, renderList } from "./list.js";
import { Notices } from "./notices.js";
import { closeSheet, dressPage, showPanel, writePrintBlock, writeWords } from "./page.js";
import { Popup, readJson } from "./popup.js";
import { Refresh } from "./refresh.js";
import { Search } from "./search.js";
import { readStyle } from "./style.js";
import { TileStore } from "./tiles.js";
import { renderTree } from "./tree.js";

const L = window.L;
const NARROW = window.matchMedia("(max-width: 760px)");

const state = { config: null, layers: [], visible: new Set(), hidden: new Map(), asOf: "", showClosed: false, target: null };
const store = new TileStore();
const notices = new Notices(byId("notices"));
let map = null;
let vectors = null;
let popup = null;

async function loadConfig() {
  return readJson(document.body.dataset.config, "");
}

function takeConfig(config) {
  setClock(config.server_now, config.timezone);
  const changed = state.config && state.config.version !== config.version;
  state.config = config;
  state.layers = config.layers.map((layer) => ({ ...layer, background: layer.background ?? layer.id === "admin_unit", style: readStyle(layer) }));
  return changed;
}

const visibleLayers = () => state.layers.filter((layer) => state.visible.has(layer.id));

// Everything that follows from the state, in one place.
function showState() {
  store.configure({ layers: visibleLayers(), combined: state.config.tiles, version: state.config.version, asOf: state.asOf });
  vectors.show(visibleLayers(), state.hidden, state.showClosed);
  showPanels();
  byId("as-of").value = state.asOf;
  byId("as-of").max = today();
  document.body.classList.toggle("is-past", Boolean(state.asOf));
  if (state.asOf) notices.tell("as_of_notice", { facts: { date: state.asOf } });
  else notices.clear("as_of_notice");
  saveLink();
}

function showPanels() {
  const focused = document.activeElement;
  const again = focused?.dataset.layer ? `[data-layer="${CSS.escape(focused.dataset.layer)}"]` : focused?.dataset.value ? `[data-value="${CSS.escape(focused.dataset.value)}"]` : null;
  byId("tree").replaceChildren(...renderTree(state.layers, state.visible, toggleLayer));
  byId("legend").replaceChildren(...renderLegend(visibleLayers(), { isOff, toggle: toggleValue, showClosed: state.showClosed, toggleClosed }));
  byId("count-note").textContent = state.asOf ? say("count_now") : "";
  if (again) document.querySelector(again)?.focus();
  showList();
}

function showList() {
  if (byId("list").hidden || !map) return;
  const { min, max } = map.getPixelBounds();
  const origin = map.getPixelOrigin();
  const bounds = L.bounds(min.subtract(origin), max.subtract(origin));
  byId("list-title").textContent = say("in_view");
  byId("list-body").replaceChildren(...renderList(collectInView(vectors.scene, bounds), (hit) => openPopup([hit], 0)));
}

function toggleLayer(id, on) {
  if (on) state.visible.add(id);
  else state.visible.delete(id);
  showState();
}

const isOff = (block, value) => block.layers.every((layer) => state.hidden.get(layer.id)?.has(value));

function toggleValue(block, value) {
  const off = !isOff(block, value);
  for (const layer of block.layers) {
    const values = state.hidden.get(layer.id) ?? new Set();
    if (off) values.add(value);
    else values.delete(value);
    state.hidden.set(layer.id, values);
  }
  showState();
}

function toggleClosed() {
  state.showClosed = !state.showClosed;
  showState();
  byId("show-closed")?.focus();
}

function saveLink() {
  if (!map) return;
  const { lat, lng } = map.getCenter();
  const layers = state.layers.filter((layer) => state.visible.has(layer.id)).map((layer) => layer.id);
  const link = { view: { z: map.getZoom(), lat, lon: lng }, layers, lang: currentLanguage(), asOf: state.asOf, target: state.target };
  history.replaceState(null, "", `${location.pathname}${location.search}${writeLink(link)}`);
  for (const other of byId("maps").querySelectorAll("a")) {
    other.href = `/maps/${other.dataset.map}?lang=${currentLanguage()}`;
  }
}

function followLink(link) {
  const known = new Set(state.layers.map((layer) => layer.id));
  const wanted = link.layers ?? state.layers.filter((layer) => layer.visible !== false).map((layer) => layer.id);
  state.visible = new Set(wanted.filter((id) => known.has(id)));
  state.asOf = link.asOf ?? "";
  state.target = link.target && known.has(link.target.layer) ? link.target : null;
  if (link.view) map.setView([link.view.lat, link.view.lon], link.view.z, { animate: false });
  else goHome();
}

function goHome() {
  const [west, south, east, north] = state.config.bounds ?? [97.5, 21.1, 106.2, 29.3];
  map.fitBounds([[south, west], [north, east]], { animate: false, padding: [12, 12] });
}

// Clicks: what lies there, nearest first; a circle of many is entered.
function identify(point) {
  const cluster = vectors.scene.clusters?.find((one) => Math.hypot(one.x - point.x, one.y - point.y) <= one.radius + 3);
  const found = cluster ? [] : findFeatures(vectors.scene, point, NARROW.matches ? 12 : 6);
  if (found.length) return openPopup(found, 0, point);
  popup.close();
  if (cluster) map.setView(map.layerPointToLatLng([cluster.x, cluster.y]), map.getZoom() + 2);
  return undefined;
}

function openPopup(found, index, point = null) {
  const { layer, feature } = found[index];
  state.target = { layer: layer.id, id: String(feature.properties.id) };
  vectors.select(state.target);
  closeSheet();
  document.body.classList.add("has-popup");
  const opened = popup.open(found, index);
  if (point) keepInSight(point);
  saveLink();
  return opened;
}

// The card covers a part of the map: move what was clicked out from under it.
function keepInSight(point) {
  const at = map.layerPointToContainerPoint(point);
  const card = byId("popup").getBoundingClientRect();
  const frame = byId("map").getBoundingClientRect();
  const [x, y] = [at.x + frame.left, at.y + frame.top];
  if (x < card.left - 20 || x > card.right || y < card.top - 20 || y > card.bottom) return;
  const by = NARROW.matches ? [0, y - (frame.top + card.top) / 2] : [x - (frame.left + card.left) / 2, 0];
  map.panBy(by);
}

function closePopup() {
  state.target = null;
  vectors.select(null);
  document.body.classList.remove("has-popup");
  saveLink();
}

function stepPopup(by) {
  const { found, index } = popup.shown;
  openPopup(found, (index + by + found.length) % found.length);
}

async function locate({ layer, feature }) {
  const item = await readJson(layer.item.replace("{id}", encodeURIComponent(feature.properties.id)), state.asOf);
  const flat = (item.geometry?.coordinates ?? []).flat(Infinity);
  // Positions may carry a height: their length is that of the innermost list.
  let inner = item.geometry?.coordinates;
  while (Array.isArray(inner?.[0])) inner = inner[0];
  const places = flat.filter((_, at) => at % inner.length === 0).map((lon, at) => [flat[at * inner.length + 1], lon]);
  if (places.length) map.fitBounds(places, { maxZoom: 18, padding: [60, 60] });
}

function goToResult(result) {
  const layer = state.layers.find((one) => one.id === result.kind);
  map.setView([result.lat, result.lon], Math.max(map.getZoom(), 17), { animate: false });
  if (!layer) return;
  state.visible.add(layer.id);
  showState();
  openPopup([{ layer, feature: { properties: { id: result.id, code: result.code, name: result.name } } }], 0, map.latLngToLayerPoint([result.lat, result.lon]));
}

function openTarget() {
  if (!state.target) return;
  const layer = state.layers.find((one) => one.id === state.target.layer);
  openPopup([{ layer, feature: { properties: { id: state.target.id } } }], 0);
}

function makeMap() {
  map = L.map("map", { zoomControl: false, attributionControl: false, minZoom: 4, maxZoom: 20, zoomSnap: 1, keyboardPanDelta: 120, worldCopyJump: false });
  vectors = new VectorLayer(store);
  L.control.scale({ imperial: false, position: "bottomleft", maxWidth: 120 }).addTo(map);
  map.on("click", (event) => identify(event.layerPoint));
  map.on("moveend", () => {
    saveLink();
    showList();
  });
  map.on("mousemove", L.Util.throttle(hover, 60));
  byId("map").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target === byId("map")) identify(map.latLngToLayerPoint(map.getCenter()));
  });
  new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(byId("map"));
}

function hover(event) {
  if (NARROW.matches || map._animatingZoom || !vectors.scene.clusters) return;
  const point = event.layerPoint;
  const over = vectors.scene.clusters.some((one) => Math.hypot(one.x - point.x, one.y - point.y) <= one.radius) || findFeatures(vectors.scene, point, 4).length > 0;
  byId("map").classList.toggle("is-over", over);
}

function makeControls() {
  const button = (icon, key, act) => make("button", { type: "button", class: "map-button", "data-words": key, onclick: act }, icon.length === 1 ? make("span", { text: icon, "aria-hidden": "true" }) : makeIcon(icon));
  const bar = make("div", { class: "map-buttons leaflet-bar" }, button("+", "zoom_in", () => map.zoomIn()), button("−", "zoom_out", () => map.zoomOut()), button("home", "home", goHome));
  L.DomEvent.disableClickPropagation(bar);
  const Buttons = L.Control.extend({ onAdd: () => bar });
  new Buttons({ position: "topleft" }).addTo(map);
}

function writeAllWords() {
  writeWords(state.config);
  for (const button of document.querySelectorAll("[data-words]")) {
    button.title = say(button.dataset.words);
    button.setAttribute("aria-label", say(button.dataset.words));
  }
}

function switchLanguage() {
  useLanguage(otherLanguage());
  writeAllWords();
  showState();
  popup.refresh();
}

async function share() {
  saveLink();
  try {
    await navigator.clipboard.writeText(location.href);
    notices.tell("share_done", { seconds: 3 });
  } catch {
    notices.tell("share_manual", { seconds: 6 });
  }
}

function setAsOf(date) {
  state.asOf = date && date < today() ? date : "";
  showState();
  popup.refresh();
}

// Paper has its own layout; it is put on before the browser measures the page, and taken off after.
function preparePrint() {
  writePrintBlock(state.config, state.asOf, renderLegend(visibleLayers(), null));
  document.body.classList.add("printing");
  map.invalidateSize({ animate: false });
}

function endPrint() {
  document.body.classList.remove("printing");
  map.invalidateSize({ animate: false });
}

function wirePage() {
  byId("language").addEventListener("click", switchLanguage);
  byId("share").addEventListener("click", share);
  byId("print").addEventListener("click", () => window.print());
  byId("as-of").addEventListener("change", (event) => setAsOf(event.target.value));
  byId("as-of-clear").addEventListener("click", () => setAsOf(""));
  for (const tab of ["layers", "list"]) {
    for (const id of [`tab-${tab}`, `open-${tab}`]) byId(id).addEventListener("click", () => [showPanel(tab), showList()]);
  }
  for (const close of document.querySelectorAll("[data-close]")) close.addEventListener("click", closeSheet);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && popup.isOpen) popup.close();
    else if (event.key === "Escape") closeSheet();
  });
  window.addEventListener("hashchange", () => arrive(readLink(location.hash)));
  window.addEventListener("beforeprint", preparePrint);
  window.addEventListener("afterprint", endPrint);
  store.addEventListener("progress", showProgress);
  store.addEventListener("change", L.Util.throttle(showList, 400));
}

function showProgress() {
  document.body.dataset.settled = String(store.settled);
  const failed = store.failures > 0;
  if (failed && !notices.has("tiles_failed")) notices.tell("tiles_failed", { urgent: true, action: { key: "retry", act: () => store.retry() } });
  if (!failed) notices.clear("tiles_failed");
}

function arrive(link) {
  if (link.lang && link.lang !== currentLanguage()) useLanguage(link.lang);
  followLink(link);
  writeAllWords();
  showState();
  openTarget();
}

function useNews(config) {
  if (!takeConfig(config)) return;
  showState();
  if (!state.asOf) notices.tell("refreshed", { seconds: 3 });
  popup.refresh();
}

function startRefresh() {
  const lost = (is) => (is ? notices.has("stale") || notices.tell("stale", { urgent: true }) : notices.clear("stale"));
  new Refresh({ load: loadConfig, use: useNews, lost }).start(state.config);
}

async function start() {
  useLanguage(document.documentElement.lang.startsWith("en") ? "en" : "zh");
  notices.clear("page_failed");
  try {
    takeConfig(await loadConfig());
  } catch {
    notices.tell("page_failed", { urgent: true, action: { key: "retry", act: start } });
    return;
  }
  const titleOf = (kind) => state.layers.find((layer) => layer.id === kind)?.title;
  popup = new Popup(byId("popup"), { close: closePopup, step: stepPopup, locate, asOf: () => state.asOf });
  new Search(byId("search"), byId("results"), { titleOf, choose: goToResult });
  makeMap();
  dressPage();
  makeControls();
  wirePage();
  showPanel("layers");
  closeSheet();
  arrive(readLink(location.hash));
  vectors.addTo(map);
  startRefresh();
  document.body.dataset.ready = "true";
}

start();
