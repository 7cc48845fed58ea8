// The buttons on the map: nearer, farther, the whole area.

import { app } from "./app.js";
import { make, makeIcon } from "./dom.js";
import { goHome } from "./view.js";

const L = window.L;

export function makeControls() {
  const button = (icon, key, act) => make("button", { type: "button", class: "map-button", "data-words": key, onclick: act }, icon.length === 1 ? make("span", { text: icon, "aria-hidden": "true" }) : makeIcon(icon));
  const bar = make("div", { class: "map-buttons leaflet-bar" }, button("+", "zoom_in", () => app.map.zoomIn()), button("−", "zoom_out", () => app.map.zoomOut()), button("home", "home", goHome));
  L.DomEvent.disableClickPropagation(bar);
  const Buttons = L.Control.extend({ onAdd: () => bar });
  new Buttons({ position: "topleft" }).addTo(app.map);
}
