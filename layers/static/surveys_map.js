// A small map of findings: no basemap, nothing but what was found, by its severity.

import { make } from "./dom.js";
import { english, say } from "./surveys_words.js";

const COLOURS = { error: "#b3122b", warning: "#c07800", notice: "#2b6cb0" };
const ORDER = ["notice", "warning", "error"];
const MOST = 5000;

// The same place among everything else the register has there.
function linkToMap(drawn) {
  const { lat, lng } = drawn.getLatLng?.() ?? drawn.getBounds().getCenter();
  const address = `/maps/progress#18/${lat.toFixed(6)}/${lng.toFixed(6)}/admin_unit,road,sewer_pipe,sewer_manhole/${english ? "en" : "zh"}`;
  return make("a", { href: address, target: "_blank", rel: "noopener", text: say("open_map") });
}

export function drawFindings(place, collection, nameOf) {
  const L = window.L;
  const map = L.map(place, { preferCanvas: true, attributionControl: false, zoomSnap: 0.5, maxZoom: 22 });
  const byKey = new Map();
  const listed = [...collection.features].sort((one, two) => ORDER.indexOf(one.properties.severity) - ORDER.indexOf(two.properties.severity)).slice(-MOST);
  const layer = L.geoJSON(listed, {
    style: ({ properties }) => ({ color: COLOURS[properties.severity], weight: 4, opacity: 0.8 }),
    pointToLayer: ({ properties }, at) => L.circleMarker(at, { radius: 5, weight: 1.5, color: "#fff", fillColor: COLOURS[properties.severity], fillOpacity: 0.95 }),
    onEachFeature: (feature, drawn) => {
      byKey.set(feature.id, drawn);
      const { sheet, cell, code, rule } = feature.properties;
      drawn.bindPopup(() => make("div", {}, make("strong", { text: nameOf(rule) || rule }), make("div", { text: `${sheet} ${cell}` }), make("div", { text: code }), linkToMap(drawn)));
    },
  }).addTo(map);
  map.fitBounds(layer.getBounds().pad(0.05), { maxZoom: 17 });
  L.control.scale({ imperial: false }).addTo(map);
  return {
    remove: () => map.remove(),
    show(finding) {
      const drawn = byKey.get(finding.key);
      if (drawn === undefined) return;
      place.scrollIntoView({ block: "center" });
      const at = drawn.getLatLng?.() ?? drawn.getBounds().getCenter();
      map.setView(at, 18);
      drawn.openPopup(at);
    },
  };
}
