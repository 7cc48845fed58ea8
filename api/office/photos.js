// Photos of a case: small ones in a row, the watermarked copy beside its original when opened.

import { fetchBlob } from "./ask.js";
import { make } from "./dom.js";
import { complain, download, openDialog, word, writeMoment } from "./parts.js";
import { say } from "./words.js";

const TRIES = 4;
const PAUSE_MS = 1500;

// The picture is made on demand: the first who asks may have to wait for it. Fetched, not linked:
// a page that was opened by a link shows its token with each question.
export function showPicture(place, sha256, size, left = TRIES) {
  fetchBlob(`/evidence/${sha256}?size=${size}`).then((blob) => {
    const address = URL.createObjectURL(blob);
    const image = make("img", { src: address, alt: "", class: `is-${size}` });
    image.addEventListener("load", () => URL.revokeObjectURL(address));
    place.replaceChildren(image);
  }).catch((error) => {
    const later = error.status === 503 || error.status === 425 || error.status === 202;
    if (later && left > 1 && place.isConnected) setTimeout(() => showPicture(place, sha256, size, left - 1), PAUSE_MS);
    else place.replaceChildren(make("span", { class: "muted", text: say("no_preview") }));
  });
}

// Every piece once, in the order of the log; a copy stands beside the original it was made of.
export function collectEvidence(timeline) {
  const pieces = new Map();
  for (const record of timeline) {
    for (const note of record.evidence ?? []) if (!pieces.has(note.sha256)) pieces.set(note.sha256, { ...note, record });
  }
  const all = [...pieces.values()];
  const copyOf = new Map(all.filter((note) => note.of && pieces.has(note.of)).map((note) => [note.of, note]));
  return all.filter((note) => !(note.of && pieces.has(note.of))).map((note) => ({ ...note, copy: copyOf.get(note.sha256) }));
}

export function renderPhotos(timeline, maySee) {
  const notes = collectEvidence(timeline);
  const content = !notes.length ? make("p", { class: "muted", text: say("photos_none") })
    : !maySee ? make("p", { class: "muted", text: say("photo_restricted") })
      : make("ul", { class: "thumbs" }, ...notes.map((note) => make("li", {}, renderThumb(note))));
  return make("section", { class: "case-photos" }, make("h3", { text: say("photos") }), content);
}

// A document has no picture: it is handed out, by a question that shows who asks.
function renderDocument(note) {
  const words = word("evidence", note.kind);
  const name = `${note.sha256.slice(0, 16)}.pdf`;
  const take = () => fetchBlob(`/evidence/${note.sha256}`).then((blob) => download(name, blob, note.media)).catch(complain);
  return make("button", { type: "button", class: "thumb-button", disabled: !note.stored, onclick: take, title: say("download"), "aria-label": `${words} PDF` },
    make("span", { class: "thumb" }, make("strong", { class: "muted", text: note.stored ? "PDF" : say("not_arrived") })), make("span", { class: "thumb-word", text: words }));
}

function renderThumb(note) {
  if (note.media === "application/pdf") return renderDocument(note);
  const frame = make("span", { class: "thumb" });
  const words = word("evidence", note.kind);
  if (note.stored) showPicture(frame, note.sha256, "thumb");
  else frame.append(make("span", { class: "muted", text: say("not_arrived") }));
  return make("button", { type: "button", class: "thumb-button", disabled: !note.stored, onclick: () => openPhoto(note), "aria-label": words }, frame, make("span", { class: "thumb-word", text: words }));
}

function openPhoto(note) {
  const figure = (one, words) => {
    const frame = make("div", { class: "screen" }, make("span", { class: "muted", text: say("loading") }));
    showPicture(frame, one.sha256, "screen");
    return make("figure", {}, frame, make("figcaption", {}, make("span", { text: words }), " ",
      make("a", { href: `/evidence/${one.sha256}`, download: "", text: say("download") })));
  };
  const taken = [note.taken_at && writeMoment(note.taken_at), note.lon && `${note.lon.toFixed(5)}, ${note.lat.toFixed(5)}`].filter(Boolean).join(" · ");
  openDialog(word("evidence", note.kind), make("div", {},
    make("div", { class: "screens" }, figure(note, say("original")), note.copy?.stored ? figure(note.copy, say("copy")) : null),
    note.recompressed ? make("p", { class: "note recompressed", text: say("is_recompressed", { n: (note.original_bytes / 1048576).toFixed(1), hash: note.original_sha256 }) }) : null,
    make("p", { class: "muted", text: taken })), { wide: true });
}
