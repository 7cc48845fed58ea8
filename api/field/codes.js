// What a label says, read by the camera or typed: an id or a code, with or without its check
// character (ISO/IEC 7064, MOD 37,36; made by gis/exchange/labels.py).

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const SEPARATORS = /[\s._/-]/g;

// The last character belongs to those before it: the running sum ends at 1 modulo 36.
export function hasCheck(plain) {
  if (!/^[0-9A-Z]{2,}$/.test(plain)) return false;
  let rest = 36;
  for (const character of plain.slice(0, -1)) rest = (((rest + ALPHABET.indexOf(character)) % 36 || 36) * 2) % 37;
  return (rest + ALPHABET.indexOf(plain.at(-1))) % 36 === 1;
}

const strip = (text) => text.toUpperCase().replace(SEPARATORS, "");
const namesOf = (asset) => [asset.id, asset.code].filter(Boolean).map(strip);

// {asset}, {several: [asset]}, or {problem}: "wrong_check", "not_today" (the label is right, the
// asset is none of today's), "unknown".
export function findLabelled(assets, text) {
  const shown = lastPart(text);
  const plain = strip(shown);
  const isChecked = hasCheck(plain);
  const head = plain.slice(0, -1);
  const fit = assets.filter((asset) => namesOf(asset).some((name) => name === plain || (isChecked && name === head)));
  if (fit.length === 1) return { asset: fit[0] };
  if (fit.length) return { several: fit };
  const isLabel = looksLikeLabel(shown) || assets.some((asset) => namesOf(asset).includes(head));
  return { problem: isChecked && isLabel ? "not_today" : isLabel ? "wrong_check" : "unknown" };
}

// An id with one character more, or a code whose last part is a single character.
const looksLikeLabel = (shown) => /^[0-9a-f]{32}[0-9a-z]$/i.test(shown) || /[0-9a-z][\s._/-][0-9a-z]$/i.test(shown);

// The id a label's QR code holds, with its check character; null for a code that people read.
export function readLabelId(text) {
  const plain = strip(lastPart(text));
  if (!/^[0-9A-F]{32}[0-9A-Z]$/.test(plain) || !hasCheck(plain)) return null;
  return plain.slice(0, 32).toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export const shownCode = (text) => lastPart(text);

// A code as it is, or an address that ends in one. Codes hold slashes of their own now and then.
function lastPart(text) {
  if (!/^[a-z]+:\/\//i.test(text)) return text.trim();
  return decode(text.split(/[/?#=&]/).filter(Boolean).at(-1) ?? "").trim();
}

export function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
