// A trace as files: GeoJSON as the server sent it, and its pipes as CSV, in which no cell is a formula.

const COLUMNS = ["code", "system", "diameter_mm", "width_mm", "height_mm", "material", "length_m", "progress", "service_state", "crossed"];

export function save(name, content, type) {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

// A cell that begins like a formula is text: a code from a survey file must not be run at a desk.
function writeCell(value) {
  let text = Array.isArray(value) ? value.join(" ") : String(value ?? "");
  if (typeof value !== "number" && /^[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// titles: column -> its word; words: column -> { value: word }.
export function writeCsv(answer, titles, words) {
  const pipes = answer.features.filter(({ properties }) => properties.kind === "sewer_pipe");
  const rows = pipes.map(({ properties }) => COLUMNS.map((name) => writeCell(words[name]?.[properties[name]] ?? properties[name])));
  return `\ufeff${[COLUMNS.map((name) => writeCell(titles[name] ?? name)), ...rows].map((row) => row.join(",")).join("\r\n")}\r\n`;
}
