// Reading a QR code with the camera: the browser's own reader, else zxing; a typed code does too.

import { decode, findLabelled } from "./codes.js";
import { elsewhereCard } from "./elsewhere.js";
import { startVisit } from "./draft.js";
import { make } from "./dom.js";
import { button, field, toast } from "./ui.js";
import { say } from "./words.js";

const EVERY_MS = 200;

export async function showScan(app, [purpose = "asset"]) {
  const video = make("video", { class: "scan-video", playsinline: true, muted: true, "aria-hidden": "true" });
  const words = make("p", { class: "soft centre", role: "status", text: say("scan_hint") });
  const window = make("div", { class: "scan-window" }, video, make("div", { class: "scan-frame", "aria-hidden": "true" }));
  const several = make("div", { class: "stack" });
  let typed = "";
  const take = (text) => (purpose === "login" ? takeLogin(app, text) : takeAsset(app, text, several));
  const form = make(
    "form",
    { class: "stack" },
    field(say("scan_typed"), { autocapitalize: "characters", autocomplete: "off", spellcheck: "false", oninput: (value) => (typed = value) }),
    button(say("scan_use"), () => {}, { type: "submit" }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (typed.trim()) take(typed.trim());
  });
  const reading = readCodes(video, take).catch(() => {
    window.hidden = true;
    words.textContent = say("scan_no_camera");
    return () => {};
  });
  const leave = () => reading.then((stop) => stop());
  const login = purpose === "login";
  if (app.scanned && !login) showProblem(app, app.scanned, several);
  app.scanned = null;
  return { title: say(login ? "scan_login_title" : "scan_title"), back: login ? "login" : "today", body: [window, words, form, several], leave };
}

// Calls found(text) for each code that is seen; gives the function that lets go of the camera.
async function readCodes(video, found) {
  if (!navigator.mediaDevices?.getUserMedia) throw new Error("no camera here");
  const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: "environment", width: { ideal: 1280 } } });
  video.srcObject = stream;
  await video.play();
  const detect = await makeDetector();
  let seen = null;
  let busy = false;
  const timer = setInterval(async () => {
    if (busy || !video.videoWidth) return;
    busy = true;
    const text = await detect(video).catch(() => null);
    busy = false;
    if (!text || text === seen) return;
    seen = text;
    navigator.vibrate?.(60);
    found(text);
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    for (const track of stream.getTracks()) track.stop();
  };
}

async function makeDetector() {
  const formats = (await self.BarcodeDetector?.getSupportedFormats?.().catch(() => [])) ?? [];
  if (formats.includes("qr_code")) {
    const detector = new self.BarcodeDetector({ formats: ["qr_code"] });
    return async (video) => (await detector.detect(video))[0]?.rawValue ?? null;
  }
  const { BrowserQRCodeReader } = await loadZxing();
  const reader = new BrowserQRCodeReader();
  const canvas = document.createElement("canvas");
  return async (video) => {
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d", { willReadFrequently: true }).drawImage(video, 0, 0);
    return reader.decodeFromCanvas(canvas).getText();
  };
}

// Only where it is needed: it is as large as everything else together.
function loadZxing() {
  return new Promise((resolve, reject) => {
    if (self.ZXingBrowser) return resolve(self.ZXingBrowser);
    const script = make("script", { src: new URL("./zxing-browser.min.js", import.meta.url).href });
    script.onload = () => resolve(self.ZXingBrowser);
    script.onerror = reject;
    document.head.append(script);
  });
}

// A label read by the phone's own camera opens the app here.
export async function showAsset(app, [code = ""]) {
  const found = findLabelled(app.day.assets, code);
  if (found.asset) return startVisit(app, { asset: found.asset, choice: "scan" }, { replace: true });
  app.scanned = code;
  return app.go("scan", { replace: true });
}

// What fits is opened; of several the person says which.
function takeAsset(app, text, place) {
  const found = findLabelled(app.day.assets, text);
  const open = (asset) => startVisit(app, { asset, choice: "scan" });
  if (found.asset) return open(found.asset);
  place.replaceChildren(...(found.several ?? []).map((asset) => button(assetName(asset), () => open(asset), { kind: "wide" })));
  return showProblem(app, text, place);
}

// A mistyped code is typed again; any other that is none of today's is a place all the same.
function showProblem(app, text, place) {
  const found = findLabelled(app.day.assets, text);
  if (found.problem && found.problem !== "wrong_check") place.replaceChildren(elsewhereCard(app, text));
  return sayProblem(found, text);
}

const assetName = (asset) => [asset.name, asset.code].filter(Boolean).join(" · ");

function sayProblem({ problem = "several" }, text) {
  toast(say(`scan_${problem}`, { code: text.split("/").at(-1).slice(0, 60) }), "bad");
}

function takeLogin(app, text) {
  app.enrolment = decode(text.split("enrol=").at(-1)).trim().slice(0, 200);
  return app.go("login");
}
