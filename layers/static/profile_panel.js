// The profile below the map: the server's drawing, read off under the pointer, and where that is on the map.

import { app, NARROW } from "./app.js";
import { make, makeIcon, makeSvg } from "./dom.js";
import { askNetwork, fetchAnswer, networkAddress } from "./network_answers.js";
import { tell, writeLength } from "./network_words.js";
import { closeSheet } from "./page.js";
import { readAt, seesLevels } from "./profile_reading.js";
import { ACCENT } from "./style.js";
import { save } from "./trace_files.js";

const L = window.L;
const TITLE_PX = 26;

export class ProfilePanel {
  // on: { layer, zoomTo(features), trace, endWay() }.
  constructor(place, on) {
    Object.assign(this, { place, on, asked: null, full: false });
  }

  get isOpen() {
    return !this.place.hidden;
  }

  // start: { id }; to: another node or pipe, or down to the outfall where it is not given.
  async open(start, { to } = {}) {
    this.asked = { from: start.id, to, "as-of": app.asOf };
    // Nothing of the last profile stays: its facts and its drawing are not this one's.
    Object.assign(this, { full: false, profile: null, way: null, drawing: null, chainage: undefined });
    this.place.classList.remove("is-full");
    this.place.hidden = false;
    document.body.classList.add("has-profile");
    app.popup.close();
    if (NARROW.matches) closeSheet();
    this.say(tell("profile_loading"), "muted");
    await this.load(true);
  }

  async load(zoom) {
    const mine = this.asked;
    try {
      const [profile, way, drawing] = await Promise.all([
        askNetwork("profile", mine),
        askNetwork(mine.to ? "path" : "downstream", mine),
        fetchAnswer(networkAddress("profile", { ...mine, f: "svg" })).then((answer) => answer.text()),
      ]);
      if (this.asked !== mine) return;
      Object.assign(this, { profile, way, drawing });
      this.showWay();
      this.render();
      if (zoom) this.on.zoomTo(this.way.features);
    } catch (error) {
      if (this.asked === mine) this.say(error.message || tell("profile_failed"), "notice-error");
    }
  }

  refresh() {
    if (!this.isOpen) return;
    this.asked = { ...this.asked, "as-of": app.asOf };
    this.load(false);
  }

  close() {
    if (!this.isOpen) return;
    this.asked = null;
    this.place.hidden = true;
    this.place.replaceChildren();
    document.body.classList.remove("has-profile");
    this.marker?.remove();
    this.on.layer.followWay([]);
    this.on.endWay();
  }

  // Without a trace the way itself is what is drawn; within one it is underlaid.
  showWay() {
    const { layer, trace } = this.on;
    const steps = this.way.way;
    const { summary } = this.way;
    const known = new Set(trace.answer?.features.map(({ id }) => id));
    if (!steps.every(({ pipe }) => known.has(pipe))) {
      layer.show(this.way, { outfalls: new Set(summary.outfalls.map(({ id }) => id)), dead: new Set(), start: steps[0]?.start });
    }
    layer.followWay(steps.map(({ pipe }) => pipe));
    const lines = new Map(this.way.features.map((feature) => [feature.id, feature.geometry.coordinates]));
    this.lines = new Map(steps.map(({ pipe, forward }) => [pipe, forward ? lines.get(pipe) : [...(lines.get(pipe) ?? [])].reverse()]));
  }

  say(words, look) {
    this.place.replaceChildren(this.renderHead(), make("p", { class: `profile-words ${look}`, role: look === "muted" ? "status" : "alert", text: words }));
  }

  renderHead() {
    const button = (icon, words, act, more = {}) => make("button", { type: "button", class: "icon-button", title: words, "aria-label": words, onclick: act, ...more }, makeIcon(icon));
    const text = (words, act, more = {}) => make("button", { type: "button", class: "plain-button", text: words, onclick: act, ...more });
    const done = Boolean(this.profile && this.asked);
    return make("header", { class: "profile-head" }, make("h2", { text: tell("profile") }), done ? this.renderFacts() : null,
      make("div", { class: "profile-tools" },
        ...(done ? [
          text(tell("profile_table"), () => this.toggleTable(), { "aria-pressed": String(this.full) }),
          text("SVG", () => save(`${this.fileName()}.svg`, this.drawing, "image/svg+xml")),
          text("PNG", () => this.savePng()),
          button("print", tell("print"), () => this.print()),
        ] : []),
        button("close", tell("clear"), () => this.close())));
  }

  renderFacts() {
    const { along, length_m: length } = this.profile;
    const warning = along === "flow" ? null : make("strong", { class: "late small", text: tell(`profile_${along}`) });
    const kept = seesLevels() ? null : make("strong", { class: "late small", text: tell("levels_not_shown") });
    return make("p", { class: "profile-facts" }, make("span", { text: `${this.ends().map(({ code }) => code || tell("no_code")).join(" → ")}` }), make("span", { class: "muted", text: writeLength(length) }), warning, kept);
  }

  ends() {
    const { stations } = this.profile;
    return [stations[0], stations[stations.length - 1]];
  }

  fileName() {
    return `profile-${this.ends().map(({ code }) => (code ?? "x").replace(/[^\p{L}\p{N}._-]+/gu, "_")).join("-")}`;
  }

  render() {
    const parsed = new DOMParser().parseFromString(this.drawing, "image/svg+xml").documentElement;
    this.svg = document.importNode(parsed, true);
    this.crop();
    this.cursor = makeSvg("line", { class: "profile-cursor", stroke: ACCENT, "stroke-width": 1.6, visibility: "hidden" });
    this.svg.append(this.cursor);
    const frame = make("div", { class: "profile-frame", tabindex: 0, "aria-label": tell("read_hint") }, this.svg);
    this.reading = make("p", { class: "profile-reading", role: "status" }, make("span", { class: "muted", text: tell("read_hint") }));
    frame.addEventListener("pointermove", (event) => this.point(event));
    frame.addEventListener("pointerdown", (event) => this.point(event));
    frame.addEventListener("click", () => this.marker && app.map.panTo(this.marker.getLatLng()));
    frame.addEventListener("keydown", (event) => this.step(event));
    this.place.replaceChildren(this.renderHead(), this.reading, frame);
  }

  // The section alone beside a map; its table on request.
  crop() {
    const { left, across, section } = this.svg.dataset;
    Object.assign(this, { left: Number(left), across: Number(across) });
    const [, , width, height] = this.drawing.match(/viewBox="([^"]+)"/)[1].split(" ").map(Number);
    // Its title is that of the panel already.
    const top = this.full ? 0 : TITLE_PX;
    const shown = (this.full ? height : Number(section)) - top;
    this.bottom = Number(section) - 30;
    this.svg.setAttribute("viewBox", `0 ${top} ${width} ${shown}`);
    this.svg.setAttribute("height", shown);
  }

  toggleTable() {
    this.full = !this.full;
    this.place.classList.toggle("is-full", this.full);
    this.render();
  }

  point(event) {
    const box = this.svg.getBoundingClientRect();
    const scale = this.svg.viewBox.baseVal.width / box.width;
    this.read((((event.clientX - box.left) * scale - this.left) / this.across) * this.profile.length_m, 8 * (this.profile.length_m / this.across));
  }

  step(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const places = this.profile.stations.map(({ chainage_m: chainage }) => chainage);
    const now = this.chainage ?? -1;
    const next = by > 0 ? places.find((one) => one > now + 0.001) : [...places].reverse().find((one) => one < now - 0.001);
    if (next !== undefined) this.read(next, 0.001);
    this.cursor.scrollIntoView({ block: "nearest", inline: "center" });
  }

  read(wanted, snap) {
    const reading = readAt(this.profile, Math.max(0, Math.min(this.profile.length_m, wanted)), snap);
    this.chainage = reading.chainage;
    const x = this.left + (reading.chainage / Math.max(this.profile.length_m, 0.001)) * this.across;
    for (const [name, value] of Object.entries({ x1: x, x2: x, y1: 50, y2: this.bottom, visibility: "visible" })) this.cursor.setAttribute(name, value);
    this.reading.replaceChildren(...reading.facts.map(({ title, value, isMissing }) => make("span", { class: isMissing ? "fact is-missing" : "fact" }, make("span", { class: "muted", text: `${title} ` }), make("strong", { text: value }))));
    this.showOnMap(reading);
  }

  showOnMap({ reach, share }) {
    const line = reach && this.lines.get(reach.id);
    if (!line?.length) return;
    const place = placeAlong(line, share);
    this.marker ??= L.circleMarker(place, { pane: "trace-mark", renderer: L.svg({ pane: "trace-mark" }), radius: 8, weight: 3, color: ACCENT, fillColor: "#ffffff", fillOpacity: 1, interactive: false, className: "profile-mark" });
    this.marker.setLatLng(place).addTo(app.map);
  }

  print() {
    document.body.classList.add("print-profile");
    window.addEventListener("afterprint", () => document.body.classList.remove("print-profile"), { once: true });
    window.print();
  }

  savePng() {
    const image = new Image();
    image.addEventListener("load", () => {
      const scale = Math.min(2, 16000 / image.width);
      const canvas = make("canvas", { width: Math.round(image.width * scale), height: Math.round(image.height * scale) });
      const ctx = canvas.getContext("2d");
      ctx.scale(scale, scale);
      ctx.drawImage(image, 0, 0);
      canvas.toBlob((blob) => save(`${this.fileName()}.png`, blob));
    });
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(this.drawing)}`;
  }
}

// A share of a line's length, on the plane: within a pipe its scale does not change.
function placeAlong(line, share) {
  const places = line.map(([lon, lat]) => L.CRS.EPSG3857.project(L.latLng(lat, lon)));
  const lengths = places.slice(1).map((place, at) => place.distanceTo(places[at]));
  let left = share * lengths.reduce((sum, length) => sum + length, 0);
  let at = 0;
  while (at < lengths.length - 1 && left > lengths[at]) left -= lengths[at++];
  const [from, to] = [places[at], places[at + 1] ?? places[at]];
  const part = lengths[at] ? Math.min(1, left / lengths[at]) : 0;
  return L.CRS.EPSG3857.unproject(from.add(to.subtract(from).multiplyBy(part)));
}
