// Vector tiles in memory: asks for what the view lacks, keeps what it has until the new is there.

import { decodeTile } from "./mvt.js";

// One of the six connections a browser keeps to a host stays with the events.
const AT_ONCE = 5;
const KEPT = 320;
const RETRY_AFTER = 1200;

export class TileStore extends EventTarget {
  constructor() {
    super();
    this.tiles = new Map();
    this.wanted = [];
    this.running = new Map();
    this.epoch = 0;
    this.layers = [];
    this.combined = null;
    this.asOf = "";
  }

  // layers: those to be loaded; a new version or date makes every tile stale, not empty.
  configure({ layers, combined, version, asOf }) {
    if (version !== this.version || asOf !== this.asOf) {
      this.epoch++;
      for (const controller of this.running.values()) controller.abort();
    }
    Object.assign(this, { layers, combined, version, asOf });
    this.pump();
  }

  tile(z, x, y) {
    return this.tiles.get(`${z}/${x}/${y}`);
  }

  // Tiles of the view, nearest to its middle first; the rest is no longer fetched.
  want(places) {
    this.wanted = places.map(({ z, x, y }) => this.open(z, x, y));
    const keys = new Set(this.wanted.map((tile) => tile.key));
    for (const [job, controller] of this.running) {
      if (!keys.has(job.tile.key)) controller.abort();
    }
    this.forget(keys);
    this.pump();
  }

  open(z, x, y) {
    const key = `${z}/${x}/${y}`;
    const tile = this.tiles.get(key) ?? { key, z, x, y, layers: new Map(), states: new Map() };
    this.tiles.delete(key);
    this.tiles.set(key, tile);
    return tile;
  }

  forget(keys) {
    for (const key of this.tiles.keys()) {
      if (this.tiles.size <= KEPT) break;
      if (!keys.has(key)) this.tiles.delete(key);
    }
  }

  // "epoch" per layer and tile: loaded, on its way ("…"), or failed ("!").
  missing(tile) {
    return this.layers.filter((layer) => {
      if (tile.z < (layer.minzoom ?? 0)) return false;
      const state = tile.states.get(layer.id);
      return state !== `${this.epoch}` && state !== `${this.epoch}…` && state !== `${this.epoch}!`;
    });
  }

  get settled() {
    return this.running.size === 0 && this.wanted.every((tile) => this.missing(tile).length === 0);
  }

  get failures() {
    return this.wanted.reduce((sum, tile) => {
      return sum + this.layers.filter((l) => tile.states.get(l.id) === `${this.epoch}!`).length;
    }, 0);
  }

  retry() {
    for (const tile of this.wanted) {
      for (const [id, state] of tile.states) if (state.endsWith("!")) tile.states.delete(id);
    }
    this.pump();
  }

  pump() {
    for (const tile of this.wanted) {
      for (const job of this.plan(tile)) {
        if (this.running.size >= AT_ONCE) return;
        this.run(job);
      }
    }
    this.dispatchEvent(new Event("progress"));
  }

  plan(tile) {
    const lacking = this.missing(tile);
    if (lacking.length === 0) return [];
    if (this.combined) return [{ tile, layers: lacking, url: this.address(this.combined, tile, lacking) }];
    return lacking.map((layer) => ({ tile, layers: [layer], url: this.address(layer.tiles, tile) }));
  }

  address(template, { z, x, y }, layers) {
    const path = template.replace("{z}", z).replace("{y}", y).replace("{x}", x);
    const url = new URL(path, document.baseURI);
    if (layers) url.searchParams.set("collections", layers.map((layer) => layer.id).join(","));
    if (this.asOf) url.searchParams.set("as-of", this.asOf);
    return url;
  }

  async run(job) {
    const epoch = this.epoch;
    const controller = new AbortController();
    this.running.set(job, controller);
    this.mark(job, `${epoch}…`);
    try {
      const layers = await this.load(job.url, controller.signal);
      if (epoch === this.epoch) this.keep(job, layers, epoch);
    } catch (error) {
      if (epoch === this.epoch) this.mark(job, controller.signal.aborted ? null : `${epoch}!`);
    } finally {
      this.running.delete(job);
      this.dispatchEvent(new Event("change"));
      this.pump();
    }
  }

  mark(job, state) {
    for (const layer of job.layers) {
      if (state) job.tile.states.set(layer.id, state);
      else job.tile.states.delete(layer.id);
    }
  }

  keep(job, layers, epoch) {
    for (const layer of job.layers) {
      job.tile.layers.set(layer.id, layers.get(layer.id) ?? { extent: 4096, features: [] });
    }
    this.mark(job, `${epoch}`);
  }

  // no-cache: the browser keeps tiles, but asks whether they are still true (ETag) before each use.
  async load(url, signal, again = true) {
    try {
      const answer = await fetch(url, { signal, cache: "no-cache" });
      if (answer.status === 204) return new Map();
      if (!answer.ok) throw new Error(`tile ${answer.status}`);
      return decodeTile(await answer.arrayBuffer());
    } catch (error) {
      if (signal.aborted || !again) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER));
      return this.load(url, signal, false);
    }
  }
}
