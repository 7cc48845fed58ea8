// The live map: reads its config from the server, keeps one state, and lets each part show it.

import { app, findLayer, takeConfig, takeDate, visibleLayers } from "./app.js";
import { VectorLayer } from "./canvas.js";
import { today } from "./clock.js";
import { makeControls } from "./controls.js";
import { byId } from "./dom.js";
import { currentLanguage, otherLanguage, say, useLanguage } from "./i18n.js";
import { closePopup, goToResult, hover, identify, locate, openTarget, stepPopup } from "./identify.js";
import { readLink } from "./link.js";
import { Notices } from "./notices.js";
import { closeSheet, dressPage, showPanel, TABS, writeWords } from "./page.js";
import { showList, showPanels } from "./panels.js";
import { Popup, readJson } from "./popup.js";
import { endPrint, preparePrint } from "./print.js";
import { Refresh } from "./refresh.js";
import { Search } from "./search.js";
import { TileStore } from "./tiles.js";
import { followLink, saveLink } from "./view.js";

const L = window.L;

app.store = new TileStore();
app.notices = new Notices(byId("notices"));
app.changed = showState;

// Words, layers and counts: those of the day that is shown.
const loadConfig = () => readJson(document.body.dataset.config, app.asOf);

// Everything that follows from the state, in one place.
function showState() {
  const { store, vectors, notices } = app;
  store.configure({ layers: visibleLayers(), combined: app.config.tiles, version: app.config.version, asOf: app.asOf });
  vectors.show(visibleLayers(), app.hidden, app.showClosed);
  showPanels();
  // A field somebody is typing in keeps what it has.
  if (byId("as-of").value !== app.asOf && document.activeElement !== byId("as-of")) byId("as-of").value = app.asOf;
  byId("as-of").max = today();
  document.body.classList.toggle("is-past", Boolean(app.asOf));
  if (app.asOf) notices.tell("as_of_notice", { facts: { date: app.asOf } });
  else notices.clear("as_of_notice");
  saveLink();
  document.dispatchEvent(new Event("map:state"));
}

function makeMap() {
  const map = L.map("map", { zoomControl: false, attributionControl: false, minZoom: 4, maxZoom: 20, zoomSnap: 0.5, keyboardPanDelta: 120, worldCopyJump: false });
  app.map = map;
  app.vectors = new VectorLayer(app.store);
  // What is listed is what was drawn, not what was drawn before the last tile came.
  app.vectors.on("drawn", L.Util.throttle(showList, 400));
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

function writeAllWords() {
  writeWords(app.config);
  for (const button of document.querySelectorAll("[data-words]")) {
    button.title = say(button.dataset.words);
    button.setAttribute("aria-label", say(button.dataset.words));
  }
}

function switchLanguage() {
  useLanguage(otherLanguage());
  writeAllWords();
  showState();
  app.popup.refresh();
}

async function share() {
  saveLink();
  try {
    await navigator.clipboard.writeText(location.href);
    app.notices.tell("share_done", { seconds: 3 });
  } catch {
    app.notices.tell("share_manual", { seconds: 6 });
  }
}

// A year that is still being typed comes as 0002, 0020, 0202: no date of ours.
const isWhole = (date) => !date || Number(date.slice(0, 4)) >= 1900;

async function setAsOf(date) {
  if (!isWhole(date)) return;
  takeDate(date && date < today() ? date : "");
  showState();
  app.popup.refresh();
  await useDatesCounts();
}

// The numbers of the day: until they are there the old ones stand, marked as old.
async function useDatesCounts() {
  const wanted = app.asOf;
  document.body.classList.add("is-counting");
  try {
    const config = await loadConfig();
    if (wanted !== app.asOf) return;
    takeConfig(config);
    document.body.classList.remove("is-counting");
    app.notices.clear("counts_failed");
    showState();
  } catch {
    if (wanted === app.asOf) app.notices.tell("counts_failed", { urgent: true, action: { key: "retry", act: useDatesCounts } });
  }
}

function wirePage() {
  byId("language").addEventListener("click", switchLanguage);
  byId("share").addEventListener("click", share);
  byId("print").addEventListener("click", () => window.print());
  byId("as-of").addEventListener("change", (event) => setAsOf(event.target.value));
  byId("as-of").addEventListener("blur", (event) => (event.target.value = app.asOf));
  byId("as-of-clear").addEventListener("click", () => setAsOf(""));
  for (const tab of TABS) {
    for (const id of [`tab-${tab}`, `open-${tab}`]) byId(id).addEventListener("click", () => [showPanel(tab), showList()]);
  }
  for (const close of document.querySelectorAll("[data-close]")) close.addEventListener("click", closeSheet);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && app.popup.isOpen) app.popup.close();
    else if (event.key === "Escape") closeSheet();
  });
  window.addEventListener("hashchange", () => arrive(readLink(location.hash)));
  window.addEventListener("beforeprint", preparePrint);
  window.addEventListener("afterprint", endPrint);
  app.store.addEventListener("progress", showProgress);
}

function showProgress() {
  const { store, notices } = app;
  document.body.dataset.settled = String(store.settled);
  const failed = store.failures > 0;
  if (failed && !notices.has("tiles_failed")) notices.tell("tiles_failed", { urgent: true, action: { key: "retry", act: () => store.retry() } });
  if (!failed) notices.clear("tiles_failed");
}

async function arrive(link) {
  if (link.lang && link.lang !== currentLanguage()) useLanguage(link.lang);
  const before = app.asOf;
  followLink(link);
  writeAllWords();
  showState();
  openTarget();
  if (before !== app.asOf) await useDatesCounts();
}

function useNews(config) {
  if (!takeConfig(config)) return;
  showState();
  if (!app.asOf) app.notices.tell("refreshed", { seconds: 3 });
  app.popup.refresh();
}

function startRefresh() {
  const { notices } = app;
  const lost = (is) => (is ? notices.has("stale") || notices.tell("stale", { urgent: true }) : notices.clear("stale"));
  new Refresh({ load: loadConfig, use: useNews, lost }).start(app.config);
}

async function start() {
  useLanguage(document.documentElement.lang.startsWith("en") ? "en" : "zh");
  app.notices.clear("page_failed");
  const link = readLink(location.hash);
  takeDate(link.asOf ?? "");
  try {
    takeConfig(await loadConfig());
  } catch {
    app.notices.tell("page_failed", { urgent: true, action: { key: "retry", act: start } });
    return;
  }
  app.popup = new Popup(byId("popup"), { close: closePopup, step: stepPopup, locate, asOf: () => app.asOf });
  new Search(byId("search"), byId("results"), { titleOf: (kind) => findLayer(kind)?.title, choose: goToResult });
  makeMap();
  dressPage();
  makeControls();
  wirePage();
  showPanel("layers");
  closeSheet();
  arrive(link);
  app.vectors.addTo(app.map);
  startRefresh();
  document.body.dataset.ready = "true";
  document.dispatchEvent(new Event("map:ready"));
}

start();
