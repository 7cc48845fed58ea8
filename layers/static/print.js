// Paper has its own layout; it is put on before the browser measures the page, and taken off after.

import { app, visibleLayers } from "./app.js";
import { renderLegend } from "./legend.js";
import { writePrintBlock } from "./page.js";

export function preparePrint() {
  writePrintBlock(app.config, app.asOf, renderLegend(visibleLayers(), { showClosed: app.showClosed }));
  document.body.classList.add("printing");
  app.map.invalidateSize({ animate: false });
}

export function endPrint() {
  document.body.classList.remove("printing");
  app.map.invalidateSize({ animate: false });
}
