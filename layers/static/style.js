// How a feature looks: the vocabulary the server sends, made ready for canvas and legend alike.

const OTHER = { value: null, text: null, color: "#6b7280", dash: null, width: null, symbol: null };
export const ACCENT = "#00696e";
export const LATE = "#b00020";
export const INK = "#20262b";
export const PAPER = "#f7f6f2";

const SYMBOLS = {
  circle: (r) => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`,
  square: (r) => `M${-r * 0.88} ${-r * 0.88}h${r * 1.76}v${r * 1.76}h${-r * 1.76}z`,
  diamond: (r) => `M0 ${-r * 1.25}L${r * 1.25} 0 0 ${r * 1.25} ${-r * 1.25} 0z`,
  triangle: (r) => `M0 ${-r * 1.2}L${r * 1.15} ${r * 0.85}H${-r * 1.15}z`,
  star: (r) => starPath(r * 1.35),
  cross: (r) => crossPath(r * 1.1, r * 0.42),
};

function starPath(r) {
  const corner = (index) => {
    const reach = index % 2 ? r * 0.45 : r;
    const angle = (Math.PI / 5) * index - Math.PI / 2;
    return `${(reach * Math.cos(angle)).toFixed(2)} ${(reach * Math.sin(angle)).toFixed(2)}`;
  };
  return `M${Array.from({ length: 10 }, (_, index) => corner(index)).join("L")}z`;
}

function crossPath(r, w) {
  return `M${-w} ${-r}H${w}V${-w}H${r}V${w}H${w}V${r}H${-w}V${w}H${-r}V${-w}H${-w}z`;
}

export function symbolPath(symbol, radius) {
  return (SYMBOLS[symbol] ?? SYMBOLS.circle)(radius);
}

// The entries of a layer in their order, and a lookup by value that always answers.
export function readStyle(layer) {
  const entries = [...(layer.vocabulary ?? [])].sort((a, b) => (a.order ?? 0) - (b.order ?? 0));
  const byValue = new Map(entries.map((entry) => [String(entry.value), entry]));
  const fallback = entries.length ? OTHER : { ...OTHER, color: layer.color ?? OTHER.color };
  return {
    entries,
    fallback,
    rank: (value) => byValue.get(String(value))?.order ?? entries.length,
    find: (value) => byValue.get(String(value)) ?? fallback,
  };
}

export function readDash(entry) {
  return entry.dash ? entry.dash.split(/[ ,]+/).map(Number) : [];
}

// Lines and symbols grow with the zoom, so that a county is not a blot and a street not a hair.
export function zoomFactor(zoom) {
  if (zoom <= 11) return 0.6;
  if (zoom >= 18) return 1.6;
  return 0.6 + ((zoom - 11) / 7) * 1.0;
}

export function lineWidth(entry, zoom) {
  return Math.max(1, (entry.width ?? 2.5) * zoomFactor(zoom));
}

export function pointRadius(entry, zoom) {
  return Math.min(10, Math.max(3.5, (entry.size ?? 5) * zoomFactor(zoom)));
}

// Whether white or ink is easier to read on a colour (relative luminance, WCAG 2).
export function readableOn(color) {
  const [r, g, b] = [1, 3, 5]
    .map((at) => parseInt(color.slice(at, at + 2), 16) / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.36 ? INK : "#ffffff";
}
