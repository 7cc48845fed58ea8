// A frame to sign in with a finger; the strokes as a picture.

import { describeBlob, toBlob } from "./evidence.js";
import { make } from "./dom.js";
import { button } from "./ui.js";
import { say } from "./words.js";

const WIDTH = 900;
const HEIGHT = 420;
const PEN = 5;

// onsigned(photo) after each stroke, onsigned(null) when it is cleared; blob: one signed before;
// track(promise) hears of the picture that is being made.
export function signaturePad({ blob = null, onsigned, track }) {
  const canvas = make("canvas", { class: "signature", width: WIDTH, height: HEIGHT, "aria-label": say("signature_of"), role: "img", tabindex: "0" });
  const context = canvas.getContext("2d");
  const hint = make("span", { class: "signature-hint", text: say("signature_here"), "aria-hidden": "true" });
  let last = null;

  const clear = () => {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, WIDTH, HEIGHT);
    context.strokeStyle = "#10202a";
    context.fillStyle = "#10202a";
    context.lineWidth = PEN;
    context.lineCap = "round";
    context.lineJoin = "round";
  };
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * WIDTH) / box.width, ((event.clientY - box.top) * HEIGHT) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    last = point(event);
    hint.hidden = true;
    context.beginPath();
    context.arc(...last, PEN / 2, 0, 7);
    context.fill();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) {
      const next = point(one);
      context.beginPath();
      context.moveTo(...last);
      context.lineTo(...next);
      context.stroke();
      last = next;
    }
  });
  const end = async () => {
    if (!last) return;
    last = null;
    const picture = await toBlob(canvas, "image/png");
    if (picture) await onsigned(await describeBlob(picture, "image/png"));
  };
  canvas.addEventListener("pointerup", () => track(end()));
  canvas.addEventListener("pointercancel", () => track(end()));
  clear();
  if (blob) {
    hint.hidden = true;
    createImageBitmap(blob).then((image) => context.drawImage(image, 0, 0), () => {});
  }
  const again = button(say("signature_clear"), () => {
    clear();
    hint.hidden = false;
    onsigned(null);
  }, { kind: "small", glyph: "again" });
  return make("div", { class: "pad" }, canvas, hint, again);
}
