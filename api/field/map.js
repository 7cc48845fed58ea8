// A map of just today's assets: Leaflet with a canvas, the county's outline if it was kept, no
// basemap from anywhere.

const COLORS = { gas: "#b03a00", flood: "#0b5cad", sewer: "#6b4e00", road: "#3d4a52", village_fire: "#a50026", site: "#7a5a00", land: "#1d6b2f", other: "#4b3b8f" };
const CLOSE_ZOOM = 16;
const MOST_NAMES = 40;

// assets as dots; onpick(asset) when one is tapped, onplace({lon, lat}) when the ground is.
// Gives the function that takes the map down.
export function openAssetMap(app, frame, { assets, onpick = null, onplace = null, marked = null }) {
  const L = self.L;
  const map = L.map(frame, { preferCanvas: true, zoomControl: false, attributionControl: false, zoomAnimation: false, tap: false });
  L.control.scale({ imperial: false }).addTo(map);
  const renderer = L.canvas({ tolerance: 14 });
  map.createPane("outline").style.zIndex = "250";
  drawOutline(app, map);
  const points = assets.filter((asset) => Number.isFinite(asset.lon));
  for (const asset of points) {
    const dot = L.circleMarker([asset.lat, asset.lon], { renderer, radius: 11, weight: 3, color: "#fff", fillColor: COLORS[asset.category] ?? COLORS.other, fillOpacity: 1 });
    if (points.length <= MOST_NAMES) nameDot(dot, asset);
    dot.addTo(map).on("click", (event) => {
      L.DomEvent.stopPropagation(event);
      onpick?.(asset);
    });
  }
  const stopFix = drawFix(app, map);
  let pin = null;
  const place = (lat, lng) => {
    pin?.remove();
    pin = L.circleMarker([lat, lng], { radius: 10, weight: 4, color: "#a50026", fill: false }).addTo(map);
  };
  if (marked) place(marked.lat, marked.lon);
  if (onplace) {
    map.on("click", ({ latlng }) => {
      place(latlng.lat, latlng.lng);
      onplace({ lon: latlng.lng, lat: latlng.lat });
    });
  }
  fitAll(map, points, marked, app.positioning.best);
  // The frame gets its size when the screen is put in place.
  requestAnimationFrame(() => {
    map.invalidateSize();
    fitAll(map, points, marked, app.positioning.best);
  });
  return () => {
    stopFix();
    map.remove();
  };
}

// As an element: Leaflet reads a string as markup.
function nameDot(dot, asset) {
  const words = document.createElement("span");
  words.textContent = asset.name || asset.code || "";
  dot.bindTooltip(words, { permanent: true, direction: "bottom", offset: [0, 10], className: "map-name" });
}

function fitAll(map, points, marked, fix) {
  const places = [...points, ...(marked ? [marked] : []), ...(fix && !points.length ? [fix] : [])];
  if (!places.length) return map.setView([25, 99], 9);
  map.fitBounds(places.map(({ lat, lon }) => [lat, lon]), { padding: [36, 36], maxZoom: CLOSE_ZOOM });
}

async function drawOutline(app, map) {
  const outline = await app.db?.get("cache", "outline");
  if (!outline || !map.getContainer()) return;
  const L = self.L;
  const style = { renderer: L.canvas({ pane: "outline" }), color: "#5d6b72", weight: 1.5, fillColor: "#fff", fillOpacity: 0.6 };
  L.geoJSON(outline, { interactive: false, pane: "outline", filter: (feature) => /Polygon|Line/.test(feature.geometry?.type), style }).addTo(map);
}

// Where the phone is, with its circle of error.
function drawFix(app, map) {
  const L = self.L;
  const layer = L.layerGroup().addTo(map);
  const show = ({ best }) => {
    layer.clearLayers();
    if (!best) return;
    const at = [best.lat, best.lon];
    L.circle(at, { radius: best.accuracy_m, weight: 1.5, color: "#00565b", fillOpacity: 0.12, interactive: false }).addTo(layer);
    L.circleMarker(at, { radius: 7, weight: 3, color: "#fff", fillColor: "#00565b", fillOpacity: 1, interactive: false }).addTo(layer);
  };
  app.positioning.listeners.add(show);
  show(app.positioning);
  return () => app.positioning.listeners.delete(show);
}
