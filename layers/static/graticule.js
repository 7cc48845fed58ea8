// Meridians and parallels: on a map without a background they tell where and how large one looks.

const STEPS = [10, 5, 2, 1, 0.5, 1 / 3, 1 / 6, 1 / 12, 1 / 30, 1 / 60, 1 / 120, 1 / 240, 1 / 720, 1 / 3600];

export function drawGraticule(ctx, map, bounds) {
  const northWest = map.layerPointToLatLng(bounds.min);
  const southEast = map.layerPointToLatLng(bounds.max);
  const step = chooseStep((southEast.lng - northWest.lng) / (bounds.getSize().x / 260));
  const x = (lng) => map.latLngToLayerPoint([northWest.lat, lng]).x;
  const y = (lat) => map.latLngToLayerPoint([lat, northWest.lng]).y;
  ctx.beginPath();
  for (const lng of multiples(northWest.lng, southEast.lng, step)) {
    ctx.moveTo(x(lng) + 0.5, bounds.min.y);
    ctx.lineTo(x(lng) + 0.5, bounds.max.y);
  }
  for (const lat of multiples(southEast.lat, northWest.lat, step)) {
    ctx.moveTo(bounds.min.x, y(lat) + 0.5);
    ctx.lineTo(bounds.max.x, y(lat) + 0.5);
  }
  ctx.strokeStyle = "#e3e0d6";
  ctx.lineWidth = 1;
  ctx.stroke();
  labelCrossings(ctx, { x, y, northWest, southEast, step });
}

function chooseStep(wanted) {
  return STEPS.find((step) => step <= wanted) ?? STEPS.at(-1);
}

function multiples(from, to, step) {
  const first = Math.ceil(from / step);
  const count = Math.min(60, Math.floor(to / step) - first + 1);
  return Array.from({ length: Math.max(0, count) }, (_, index) => (first + index) * step);
}

function labelCrossings(ctx, { x, y, northWest, southEast, step }) {
  ctx.fillStyle = "#aaa697";
  ctx.font = "10px system-ui, sans-serif";
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  // Every other crossing: enough to read a place off, and the paper stays quiet.
  for (const lng of multiples(northWest.lng, southEast.lng, step * 2)) {
    for (const lat of multiples(southEast.lat, northWest.lat, step * 2)) {
      ctx.fillText(`${writeAngle(lng, "EW", step)} ${writeAngle(lat, "NS", step)}`, x(lng) + 3, y(lat) - 3);
    }
  }
}

function writeAngle(angle, hemispheres, step) {
  const seconds = Math.round(Math.abs(angle) * 3600);
  const [d, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const minutes = step < 1 ? `${String(m).padStart(2, "0")}′` : "";
  const fine = step < 1 / 60 ? `${String(s).padStart(2, "0")}″` : "";
  return `${d}°${minutes}${fine}${hemispheres[angle < 0 ? 1 : 0]}`;
}
