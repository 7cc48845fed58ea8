// The card of one feature: what it is, its attributes with words and units, its history and its
// open hazards. Data arrives as JSON and leaves as text nodes.

import { daysLate, timezone } from "./clock.js";
import { make, makeIcon } from "./dom.js";
import { formatDate, formatMoment, formatNumber, knows, pick, say } from "./i18n.js";
import { writeLateness } from "./labels.js";
import { drawSample } from "./legend.js";

// What other scripts of the page add to a card: (layer, properties) -> element or null.
export const cardParts = [];

const IDENTITY = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export class Popup {
  // place: the element it lives in; on: { close(), step(by), locate(feature), asOf() }.
  constructor(place, on) {
    this.place = place;
    this.on = on;
    this.shown = null;
  }

  get isOpen() {
    return this.shown !== null;
  }

  // found: [{ layer, feature }] under the click; index: the one shown.
  async open(found, index) {
    this.shown = { found, index };
    this.opener ??= document.activeElement;
    const { layer, feature } = found[index];
    this.render(layer, feature.properties, null);
    this.place.hidden = false;
    this.place.querySelector("h2").focus({ preventScroll: true });
    await this.load(layer, feature);
  }

  async load(layer, feature) {
    const mine = this.shown;
    const fill = (template, asOf) => readJson(template.replace("{id}", encodeURIComponent(feature.properties.id)), asOf);
    const [item, history, hazards] = await Promise.allSettled([
      fill(layer.item, this.on.asOf()),
      layer.history ? fill(layer.history, "") : null,
      layer.hazards ? fill(layer.hazards, this.on.asOf()) : null,
    ]);
    if (this.shown !== mine) return;
    await this.nameAsset(item.value?.properties);
    if (this.shown !== mine) return;
    this.loaded = { item, history, hazards };
    this.render(layer, item.status === "fulfilled" ? { ...item.value.properties, id: feature.properties.id } : feature.properties, this.loaded);
  }

  // A person knows a place by its name, not by its identity; where it cannot be found, that is all there is.
  async nameAsset(properties) {
    if (!IDENTITY.test(properties?.asset_id ?? "")) return;
    try {
      const [asset] = await readJson(`/search?q=${properties.asset_id}`, "");
      if (asset) properties.asset_id = [asset.name, asset.code].filter(Boolean).join(" · ");
    } catch {
      // The card is whole without it.
    }
  }

  close() {
    if (!this.isOpen) return;
    this.shown = null;
    this.place.hidden = true;
    this.place.replaceChildren();
    if (this.opener?.isConnected) this.opener.focus({ preventScroll: true });
    this.opener = null;
    this.on.close();
  }

  // After a change of language.
  refresh() {
    if (!this.isOpen) return;
    const { found, index } = this.shown;
    this.open(found, index);
  }

  render(layer, properties, loaded) {
    this.properties = properties;
    const focused = this.place.contains(document.activeElement);
    const body = make("div", { class: "popup-body", tabindex: -1 }, ...renderBody(layer, properties, loaded));
    this.place.replaceChildren(this.renderHead(layer, properties, loaded), body);
    this.place.setAttribute("aria-label", headline(properties, Boolean(loaded)));
    if (focused) this.place.querySelector("h2").focus({ preventScroll: true });
  }

  renderHead(layer, properties, loaded) {
    const { found, index } = this.shown;
    const button = (icon, words, act) => make("button", { type: "button", class: "icon-button", "aria-label": words, title: words, onclick: act }, makeIcon(icon));
    const steps = found.length < 2 ? null : make("span", { class: "popup-steps" },
      button("previous", say("previous"), () => this.on.step(-1)),
      make("span", { text: `${index + 1}/${found.length}`, "aria-label": say("of_several", { n: index + 1, total: found.length }) }),
      button("next", say("next"), () => this.on.step(1)));
    return make("header", { class: "popup-head" },
      make("p", { class: "popup-kind" }, drawSample(layer.style.find(properties[layer.color_by]), layer.geometry), make("span", { text: pick(layer.title) }), steps),
      make("h2", { tabindex: -1, text: headline(properties, Boolean(loaded)) }),
      subline(properties),
      make("div", { class: "popup-tools" },
        button("target", say("zoom_to"), () => this.on.locate(found[index])),
        button("close", say("close"), () => this.close())));
  }
}

export async function readJson(path, asOf) {
  const url = new URL(path, document.baseURI);
  if (asOf) url.searchParams.set("as-of", asOf);
  const answer = await fetch(url, { headers: { Accept: "application/geo+json, application/json" }, cache: "no-cache" });
  if (!answer.ok) throw new Error(`${url.pathname} ${answer.status}`);
  return answer.json();
}

// A feature of a far zoom has no code before it is loaded.
export function headline(properties, loaded = true) {
  return String(properties.name || properties.code || say(loaded ? "unnamed" : "loading"));
}

function subline(properties) {
  return properties.name && properties.code ? make("p", { class: "popup-code", text: properties.code }) : null;
}

function renderBody(layer, properties, loaded) {
  const parts = [renderStatus(layer, properties)];
  if (!loaded) return [...parts, make("p", { class: "muted", text: say("loading"), role: "status" })];
  if (loaded.item.status === "rejected") parts.push(make("p", { class: "notice-error", text: say("item_failed"), role: "alert" }));
  parts.push(renderCaseLink(layer, properties), ...cardParts.map((part) => part(layer, properties)), renderAttributes(layer, properties));
  if (layer.hazards) parts.push(renderHazards(loaded.hazards));
  if (layer.history) parts.push(renderHistory(layer, loaded.history));
  return parts;
}

// The words that decide: progress or severity, and lateness.
function renderStatus(layer, properties) {
  const entry = layer.style.find(properties[layer.color_by]);
  const days = daysLate(properties);
  const chips = [];
  if (entry.text) chips.push(make("span", { class: "chip" }, drawSample(entry, layer.geometry, 16), make("span", { text: pick(entry.text) })));
  if (days !== null) chips.push(make("strong", { class: "chip chip-late", text: writeLateness(days) }));
  return chips.length ? make("p", { class: "chips" }, ...chips) : null;
}

// Where the hazard is worked on; a portable map has no such place.
function renderCaseLink(layer, properties) {
  if (!layer.case || !properties.id) return null;
  const href = layer.case.replace("{id}", encodeURIComponent(properties.id));
  return make("p", {}, make("a", { class: "open-case", href, text: say("open_case") }));
}

function renderAttributes(layer, properties) {
  const table = make("table", { class: "attributes" });
  const missing = [];
  for (const attribute of layer.attributes ?? []) {
    const value = properties[attribute.name];
    if (["code", "name", "missing"].includes(attribute.name)) continue;
    if (isMissing(value)) missing.push(describeMissing(attribute, properties));
    else table.append(make("tr", {}, make("th", { scope: "row", text: pick(attribute.text) }), make("td", { text: writeValue(attribute, value) })));
  }
  const rest = missing.length ? make("p", { class: "missing", text: say("missing", { names: missing.join(say("separator")) }) }) : null;
  return section("attributes", table, rest);
}

// Missing is missing, and where the reason is known it is said.
function describeMissing(attribute, properties) {
  const reason = properties.missing?.[attribute.name];
  return reason ? `${pick(attribute.text)}(${reason})` : pick(attribute.text);
}

function isMissing(value) {
  return value === null || value === undefined || value === "" || (typeof value === "object" && Object.keys(value).length === 0);
}

export function writeValue(attribute, value) {
  if (isMissing(value)) return "—";
  const word = attribute.vocabulary?.[value];
  if (word) return pick(word);
  if (typeof value === "boolean") return say(value ? "yes" : "no");
  if (typeof value === "number") return `${formatNumber(value)}${attribute.unit ? ` ${pick(attribute.unit)}` : ""}`;
  if (/_at$/.test(attribute.name)) return formatMoment(value, timezone());
  if (Array.isArray(value)) return value.map(String).join(say("separator"));
  return typeof value === "object" ? writeParts(attribute, value) : String(value);
}

const STEPS = ["applied", "approved", "received", "paid"];
const inOrder = ([a], [b]) => STEPS.indexOf(a) - STEPS.indexOf(b);

// A value of named parts, a line for each: money by source and step.
function writeParts(attribute, value) {
  const nameOf = (key) => pick(attribute.vocabulary?.[key]) || (knows(`part_${key}`) ? say(`part_${key}`) : key);
  const write = (part) => {
    if (typeof part === "number") return formatNumber(part);
    if (part === null || typeof part !== "object") return String(part);
    return Object.entries(part).sort(inOrder).map(([key, inner]) => `${nameOf(key)} ${write(inner)}`).join(say("separator"));
  };
  return Object.entries(value).map(([key, part]) => `${nameOf(key)}${say("colon")}${write(part)}`).join("\n");
}

function renderHistory(layer, settled) {
  if (settled.status === "rejected") return section("history", make("p", { class: "notice-error", text: say("item_failed") }));
  const versions = settled.value?.versions ?? [];
  if (!versions.length) return section("history", make("p", { class: "muted", text: say("history_none") }));
  const rows = versions.map((version, index) => renderVersion(layer, version, versions[index + 1]));
  return section("history", make("ol", { class: "history" }, ...rows));
}

// versions come newest first; each says what it changed against the one before.
function renderVersion(layer, version, earlier) {
  const changes = (layer.attributes ?? []).filter(({ name }) => earlier && differs(version.properties?.[name], earlier.properties?.[name]));
  const lines = changes.map((attribute) => make("li", {},
    make("span", { class: "muted", text: `${pick(attribute.text)} ` }),
    make("span", { text: `${writeValue(attribute, earlier.properties[attribute.name])} → ${writeValue(attribute, version.properties[attribute.name])}` })));
  const entry = layer.style.find(version.properties?.[layer.color_by]);
  const facts = { date: formatMoment(version.recorded_at, timezone()), who: version.recorded_by };
  const told = say(version.recorded_by ? "recorded" : "recorded_on", facts);
  return make("li", {},
    make("p", { class: "history-head" },
      drawSample(entry, layer.geometry, 16),
      make("strong", { text: say("since", { date: formatDate(version.valid_from, timezone()) }) }),
      version.deleted ? make("span", { class: "late", text: say("deleted") }) : entry.text ? make("span", { text: pick(entry.text) }) : null,
      make("span", { class: "muted", text: say("version", { n: version.version }) })),
    lines.length ? make("ul", { class: "changes" }, ...lines) : null,
    make("p", { class: "muted small", text: [told, version.reason].filter(Boolean).join(" · ") }));
}

function differs(a, b) {
  return JSON.stringify(a ?? null) !== JSON.stringify(b ?? null);
}

function renderHazards(settled) {
  if (settled.status === "rejected") return section("hazards", make("p", { class: "notice-error", text: say("item_failed") }));
  const features = settled.value?.features ?? [];
  if (!features.length) return section("hazards", make("p", { class: "muted", text: say("hazards_none") }));
  const rows = features.map(({ properties }) => {
    const days = daysLate(properties);
    const due = properties.due_at ? say("due", { date: formatDate(properties.due_at, timezone()) }) : "";
    return make("li", {},
      make("span", { text: headline(properties) }), " ",
      days === null ? make("span", { class: "muted", text: due }) : make("strong", { class: "late", text: writeLateness(days) }));
  });
  return section("hazards", make("ul", { class: "hazards" }, ...rows));
}

function section(key, ...content) {
  return make("section", { class: `popup-${key}` }, make("h3", { text: say(key) }), ...content);
}
