// The line that says how well the position is known, and the map to tap a place on instead.

import { make } from "./dom.js";
import { openAssetMap } from "./map.js";
import { button, icon, iconButton } from "./ui.js";
import { say } from "./words.js";

// target.place holds a tapped place; without target the line only shows the position.
// Gives {element, stop}.
export function positionLine(app, { target = null, asset = null, onchange = null } = {}) {
  const words = make("span", { class: "grow" });
  const again = iconButton("again", say("position_again"), () => {
    if (target) target.place = null;
    app.positioning.restart();
    onchange?.();
    show();
  });
  const tap = target && iconButton("map", say("map_place"), async () => {
    const place = await tapPlace(app, { asset, place: target.place });
    if (place) target.place = place;
    onchange?.();
    show();
  });
  const element = make("div", { class: "position", "aria-live": "polite" }, icon("pin"), words, again, tap);
  const show = () => {
    const { text, good } = describePosition(app, target, asset);
    words.textContent = text;
    element.classList.toggle("is-good", good);
  };
  app.positioning.listeners.add(show);
  show();
  return { element, stop: () => app.positioning.listeners.delete(show) };
}

function describePosition({ positioning }, target, asset) {
  const { best, state } = positioning;
  if (target?.place) return { text: say("position_tapped"), good: true };
  if (state === "searching") return { text: best ? say("position_searching_m", { n: Math.round(best.accuracy_m) }) : say("position_searching"), good: false };
  if (best) return { text: say("position_found", { n: Math.round(best.accuracy_m) }), good: true };
  const why = ["denied", "impossible"].includes(state) ? say(`position_${state}`) : say("position_failed");
  return Number.isFinite(asset?.lon) ? { text: `${say("position_failed")} · ${say("position_asset")}`, good: false } : { text: why, good: false };
}

function tapPlace(app, { asset, place }) {
  return new Promise((resolve) => {
    let chosen = place;
    let close = () => {};
    const frame = make("div", { class: "map", role: "application", "aria-label": say("map_place"), tabindex: "0" });
    const use = button(say("map_use"), () => end(chosen), { kind: "primary", disabled: !place });
    const dialog = make("dialog", { class: "dialog full", "aria-label": say("map_place") });
    const end = (result) => {
      close();
      dialog.close();
      dialog.remove();
      resolve(result && { ...result, at: new Date().toISOString() });
    };
    dialog.append(make("div", { class: "row spread" }, make("h2", { text: say("map_place") }), iconButton("close", say("close"), () => end(null))), make("p", { class: "soft", text: say("map_place_hint") }), frame, use);
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      end(null);
    });
    document.body.append(dialog);
    dialog.showModal();
    const assets = asset ? [asset] : app.day.assets;
    close = openAssetMap(app, frame, { assets, marked: place, onplace: (spot) => {
      chosen = spot;
      use.disabled = false;
    } });
  });
}
