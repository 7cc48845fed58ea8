// A tile that takes one photo with the phone's camera and shows it.

import { forgetPhoto, keepDraft, keepPhoto } from "./draft.js";
import { make } from "./dom.js";
import { MAX_BYTES, PhotoRefusedError, canDraw, noteRecompressed, readPhoto } from "./evidence.js";
import { icon, toast } from "./ui.js";
import { say } from "./words.js";

// photos: the list of the draft the photo goes into; one photo of each kind.
export function photoTile(app, draft, photos, kind, { onchange } = {}) {
  const words = say(`photo_${kind}`);
  const input = make("input", { type: "file", accept: "image/*", capture: "environment", class: "unseen", "aria-label": words });
  const picture = make("span", { class: "tile-picture" }, icon("camera"));
  const caption = make("span", { class: "tile-words", text: words });
  const tile = make("label", { class: "tile" }, input, picture, caption);

  const show = async () => {
    const taken = photos.find((photo) => photo.kind === kind);
    tile.classList.toggle("is-taken", Boolean(taken));
    caption.textContent = taken ? `${words} · ${say("photo_retake")}` : words;
    if (taken) await showPicture(app, taken, picture);
  };
  input.addEventListener("change", async () => {
    const file = input.files[0];
    input.value = "";
    if (!file) return;
    tile.classList.add("is-busy");
    app.busy = takePhoto(app, draft, photos, kind, file);
    await app.busy;
    tile.classList.remove("is-busy");
    await show();
    onchange?.();
  });
  show();
  return tile;
}

async function showPicture(app, photo, picture) {
  const kept = await app.db.get("blobs", photo.sha256);
  if (!kept) return;
  const address = URL.createObjectURL(kept.bytes);
  const image = make("img", { src: address, alt: "", decoding: "async" });
  // A picture the browser cannot draw (HEIC) is kept all the same; the tile says it is there.
  image.addEventListener("error", () => picture.replaceChildren(icon("check"), make("span", { class: "no-preview", text: say("photo_no_preview") })));
  image.addEventListener("load", () => URL.revokeObjectURL(address));
  picture.replaceChildren(image);
}

export async function takePhoto(app, draft, photos, kind, file) {
  try {
    const photo = await readPhoto(file);
    if (!(await keepPhoto(app, draft, photo))) return;
    const old = photos.findIndex((one) => one.kind === kind);
    const gone = old >= 0 ? photos.splice(old, 1)[0] : null;
    const { lon = null, lat = null, accuracy_m = null } = app.positioning.best ?? {};
    photos.push({ sha256: photo.sha256, kind, media: photo.media, bytes: photo.bytes.size, taken_at: new Date().toISOString(), lon, lat, accuracy_m, ...noteRecompressed(photo) });
    await keepDraft(app, draft);
    if (photo.recompressed) toast(say("photo_recompressed", { n: Math.ceil(photo.recompressed.bytes / 1048576) }), "warn");
    if (!(await canDraw(photo.bytes))) toast(say("photo_undrawn"), "warn");
    if (gone && gone.sha256 !== photo.sha256) await forgetPhoto(app, draft, gone.sha256);
  } catch (error) {
    if (!(error instanceof PhotoRefusedError)) throw error;
    toast(say(`photo_${error.reason}`, { n: MAX_BYTES / 1048576 }), "bad");
  }
}
