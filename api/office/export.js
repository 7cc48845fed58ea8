// Figures as a CSV file that a spreadsheet opens in Chinese, and in which no cell is a formula.

import { namePart } from "./figure_tables.js";
import { pick, say } from "./words.js";

// A cell that begins like a formula is text: what an inspector typed must not be run at a desk.
export function writeCell(value) {
  let text = value === null || value === undefined ? "" : String(value);
  if (typeof value !== "number" && /^[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function writeCsv(total, broken, start) {
  const head = [broken ? pick({ zh: "分列", en: "Part" }) : null, say("figure"), say("scope"), say("value"), say("numerator"), say("denominator"), "95% –", "95% +", say("as_of", { when: "" }).trim(), say("note")].filter((name) => name !== null);
  const lines = [head];
  const add = (part, figures) => {
    for (const figure of Object.values(figures)) {
      const cells = [pick(figure.text), figure.scope === "all" ? say("all") : say(figure.scope), figure.value, figure.numerator, figure.denominator, figure.interval?.[0], figure.interval?.[1], figure.as_of, pick(figure.note)];
      lines.push(broken ? [part, ...cells] : cells);
    }
  };
  add(say("total"), total.parts[0].figures);
  for (const part of broken?.parts ?? []) add(part.label ?? namePart(broken.by, part.value, start), part.figures);
  return `\ufeff${lines.map((cells) => cells.map(writeCell).join(",")).join("\r\n")}\r\n`;
}
