// What the parts of the page share: its config, the one state, and the things that show it.

import { judgeAt, setClock } from "./clock.js";
import { readStyle } from "./style.js";

export const NARROW = window.matchMedia("(max-width: 760px)");

export const app = {
  config: null,
  layers: [],
  visible: new Set(),
  hidden: new Map(),
  asOf: "",
  showClosed: false,
  target: null,
  // The trace that is shown: { mode, id }.
  trace: null,
  map: null,
  vectors: null,
  popup: null,
  store: null,
  notices: null,
  // Who takes the next click instead of a card: (found) -> nothing.
  pick: null,
  // Shows the state again, whatever part changed it; the page sets it at its start.
  changed() {},
};

export const visibleLayers = () => app.layers.filter((layer) => app.visible.has(layer.id));

export const findLayer = (id) => app.layers.find((layer) => layer.id === id);

// Answers whether the data are other ones than before.
export function takeConfig(config) {
  setClock(config.server_now, config.timezone);
  const changed = app.config && app.config.version !== config.version;
  app.config = config;
  app.layers = config.layers.map((layer) => ({ ...layer, background: layer.background ?? layer.id === "admin_unit", style: readStyle(layer) }));
  return changed;
}

// The day whose state is shown, "" for now; what is late is judged by it too.
export function takeDate(date) {
  app.asOf = date;
  judgeAt(date);
}
