// The strip over the layers: how many are open, how many of them late, how many closed.

import { countClosed, countLate, countLayer, hasDeadline } from "./counts.js";
import { make } from "./dom.js";
import { formatNumber, say } from "./i18n.js";

export function renderFigures(layers) {
  return layers.filter(hasDeadline).flatMap((layer) => [
    renderFigure("open", countLayer(layer, false)),
    renderFigure("late", countLate(layer)),
    renderFigure("closed", countClosed(layer)),
  ]);
}

function renderFigure(name, count) {
  const late = name === "late" && count > 0;
  return make("div", { class: late ? "figure figure-late" : "figure", "data-figure": name },
    make("dt", { text: say(`figure_${name}`) }),
    make("dd", { text: formatNumber(count) }));
}
