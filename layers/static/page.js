// The page around the map: its words, panels and sheets. The map itself is in map.js.

import { timezone, serverTime } from "./clock.js";
import { byId, make, makeIcon } from "./dom.js";
import { currentLanguage, formatMoment, pick, say } from "./i18n.js";

// The panel's; that of the network is there where its script is.
export const TABS = ["layers", "list", "network"];
const ICONS = { share: "share", print: "print", "open-layers": "layers", "open-list": "list", "open-network": "network" };

export function dressPage() {
  for (const [id, icon] of Object.entries(ICONS)) byId(id).prepend(makeIcon(icon));
  for (const close of document.querySelectorAll("[data-close]")) close.append(makeIcon("close"));
}

// Every fixed word of the page, again after each change of language.
export function writeWords(config) {
  const words = { skip: "skip", brand: "product", "tab-layers": "layers", "tab-list": "list", "tab-network": "network", "legend-title": "legend", "as-of-label": "as_of", "as-of-clear": "as_of_clear", language: "other_language", datum: "datum" };
  for (const [id, key] of Object.entries(words)) byId(id).textContent = say(key);
  const labels = { share: "share", print: "print", search: "search_hint", map: "map_label", maps: "maps", "open-layers": "layers", "open-list": "list", "open-network": "network" };
  for (const [id, key] of Object.entries(labels)) {
    byId(id).setAttribute("aria-label", say(key));
    byId(id).title = id === "map" ? "" : say(key);
  }
  for (const close of document.querySelectorAll("[data-close]")) close.setAttribute("aria-label", say("close"));
  byId("search").placeholder = say("search_hint");
  for (const link of byId("maps").querySelectorAll("a")) link.textContent = say(`map_${link.dataset.map}`);
  byId("language").lang = currentLanguage() === "en" ? "zh-CN" : "en";
  for (const tab of TABS) byId(`open-${tab}`).querySelector("span").textContent = say(tab);
  if (config) writeTitle(config);
}

function writeTitle(config) {
  const title = pick(config.title);
  byId("title").textContent = title;
  document.title = `${title} · ${say("product")}`;
  byId("approval").textContent = pick(config.approval);
}

// Which of the two panels shows: beside the map, or as a sheet over it on a phone.
export function showPanel(name) {
  const panel = byId("panel");
  const same = panel.dataset.sheet === name;
  panel.dataset.tab = name;
  panel.dataset.sheet = same ? "" : name;
  for (const tab of TABS) {
    byId(`tab-${tab}`).setAttribute("aria-selected", String(tab === name));
    byId(tab).hidden = tab !== name;
    byId(`open-${tab}`).setAttribute("aria-expanded", String(panel.dataset.sheet === tab));
  }
}

export function closeSheet() {
  const panel = byId("panel");
  panel.dataset.sheet = "";
  for (const tab of TABS) byId(`open-${tab}`).setAttribute("aria-expanded", "false");
}

// The block that only paper shows: title, date, legend, datum, approval.
export function writePrintBlock(config, asOf, legend) {
  byId("print-title").textContent = pick(config.title);
  const lines = [asOf ? say("as_of_notice", { date: asOf }) : null, say("printed", { date: formatMoment(new Date(serverTime()), timezone()) }), say("datum"), pick(config.approval)];
  byId("print-notes").replaceChildren(...lines.filter(Boolean).map((text) => make("p", { text })));
  byId("print-legend").replaceChildren(...legend);
}
