// Where the phone is: watched until it is good enough or time is up; the best fix is kept.
// Browsers state accuracy as a radius of 95 % (W3C Geolocation), Android's own API as one of 68 %.

const GOOD_M = 15;
const PATIENCE_MS = 20_000;
const LEVEL = 0.95;
const STALE_MS = 120_000;
const NEAR_M = 30;
const EARTH_M = 6_371_008.8;

export class Positioning {
  constructor() {
    this.best = null;
    this.state = "geolocation" in navigator && self.isSecureContext ? "off" : "impossible";
    this.listeners = new Set();
    this.watch = null;
  }

  // Looks again from here; what was found elsewhere some minutes ago no longer counts.
  start() {
    if (this.state === "impossible") return;
    if (this.best && Date.now() - Date.parse(this.best.at) > STALE_MS) this.best = null;
    if (this.watch !== null) return;
    this.state = "searching";
    this.watch = navigator.geolocation.watchPosition(
      (position) => this.#take(position),
      (error) => this.#fail(error),
      { enableHighAccuracy: true, maximumAge: 0, timeout: PATIENCE_MS },
    );
    this.timer = setTimeout(() => this.stop(), PATIENCE_MS);
    this.#tell();
  }

  restart() {
    this.best = null;
    this.stop();
    this.start();
  }

  stop() {
    if (this.watch !== null) navigator.geolocation.clearWatch(this.watch);
    clearTimeout(this.timer);
    this.watch = null;
    if (this.state === "searching") this.state = this.best ? "found" : "failed";
    this.#tell();
  }

  #take({ coords, timestamp }) {
    const { longitude: lon, latitude: lat, accuracy } = coords;
    if (!Number.isFinite(lon) || (lon === 0 && lat === 0)) return; // what some phones say for "unknown"
    const fix = { lon: round(lon), lat: round(lat), accuracy_m: Math.round(accuracy * 10) / 10, level: LEVEL, source: "gnss", at: new Date(timestamp).toISOString() };
    if (!this.best || fix.accuracy_m <= this.best.accuracy_m) this.best = fix;
    if (fix.accuracy_m <= GOOD_M) this.stop();
    else this.#tell();
  }

  #fail(error) {
    if (error.code === error.PERMISSION_DENIED) this.state = "denied";
    this.stop();
  }

  #tell() {
    for (const listener of this.listeners) listener(this);
  }
}

const round = (degrees) => Math.round(degrees * 1e7) / 1e7; // a centimetre

export function distanceM(a, b) {
  const rad = Math.PI / 180;
  const dLat = (b.lat - a.lat) * rad;
  const dLon = (b.lon - a.lon) * rad;
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * Math.sin(dLon / 2) ** 2;
  return 2 * EARTH_M * Math.asin(Math.sqrt(h));
}

// What the person may be standing at: within max(30 m, twice the accuracy), the same class first.
// ambiguous: two of them lie inside the circle of error, so nobody but the person can tell.
export function findNear(assets, fix, category = null) {
  const reach = Math.max(NEAR_M, 2 * fix.accuracy_m);
  const near = assets
    .filter((asset) => Number.isFinite(asset.lon))
    .map((asset) => ({ asset, distance: distanceM(fix, asset) }))
    .filter(({ distance }) => distance <= reach)
    .sort((a, b) => (b.asset.category === category) - (a.asset.category === category) || a.distance - b.distance);
  const inside = near.filter(({ distance }) => distance <= fix.accuracy_m).length;
  return { near, ambiguous: inside > 1 };
}
