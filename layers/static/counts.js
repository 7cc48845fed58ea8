// The figures of the page, in one place, so that tree, legend, strip and circles cannot disagree.

import { isLate } from "./clock.js";

// Closed ones are counted where they are shown; what cannot be closed is always open.
export function countLayer(layer, showClosed) {
  return (showClosed ? layer.count : layer.open_count ?? layer.count) ?? 0;
}

export function countValue(layers, value, showClosed) {
  return layers.reduce((sum, layer) => sum + ((showClosed ? layer.counts : layer.open_counts ?? layer.counts)?.[value] ?? 0), 0);
}

export function hasDeadline(layer) {
  return layer.attributes?.some((attribute) => attribute.name === "due_at") ?? false;
}

export const countClosed = (layer) => (layer.count ?? 0) - (layer.open_count ?? layer.count ?? 0);

// due: [[epoch seconds, how many], …] of the open ones; the clock says which are past.
export function countLate(layer) {
  return (layer.due ?? []).reduce((sum, [due, count]) => sum + (isLate(due) ? count : 0), 0);
}

// A cell of a tile carries the same as text: "epoch*count,epoch*count".
export function countLateIn(text) {
  if (!text) return 0;
  return text.split(",").reduce((sum, pair) => {
    const [due, count] = pair.split("*").map(Number);
    return sum + (isLate(due) ? count : 0);
  }, 0);
}
