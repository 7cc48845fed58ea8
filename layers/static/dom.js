// The one way elements are made. Text only ever becomes a text node: what inspectors typed, and
// what survey files carry, is shown as written and is never read as markup.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") element.textContent = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
}

export function byId(id) {
  return document.getElementById(id);
}

// Stroked glyphs on a 24-unit grid; drawn here so that no icon font has to be shipped.
const GLYPHS = {
  layers: "M12 3 3 8l9 5 9-5zM3 12l9 5 9-5M3 16l9 5 9-5",
  list: "M8 6h13M8 12h13M8 18h13M3.5 6h.01M3.5 12h.01M3.5 18h.01",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5",
  print: "M7 9V3h10v6M7 18H4v-7a2 2 0 0 1 2-2h12a2 2 0 0 1 2 2v7h-3M7 14h10v7H7z",
  share: "M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-5.7-5.7l-1.5 1.5M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 5.7 5.7l1.5-1.5",
  close: "M6 6l12 12M18 6 6 18",
  home: "M4 11l8-7 8 7M6 10v10h12V10",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4l3 2",
  target: "M12 5a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM12 2v4M12 18v4M2 12h4M18 12h4",
  previous: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  network: "M5 5v6a4 4 0 0 0 4 4h6M19 5v4a6 6 0 0 1-6 6M12 15v6M9 18l3 3 3-3",
  up: "M12 20V5M6 11l6-6 6 6",
  down: "M12 4v15M6 13l6 6 6-6",
  both: "M12 3v18M7 8l5-5 5 5M7 16l5 5 5-5",
  block: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM6.5 6.5l11 11",
  profile: "M3 6l6 2 6 1 6 3M3 14l6 2 6 1 6 2M3 19h18",
  save: "M12 4v11M7 11l5 5 5-5M5 20h14",
};

export function makeIcon(name) {
  return makeSvg(
    "svg",
    { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" },
    makeSvg("path", { d: GLYPHS[name] }),
  );
}
