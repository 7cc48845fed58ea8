// The form for a browser that keeps nothing: one hazard, sent while the page is open.

import { make } from "./dom.js";
import { MAX_BYTES, PhotoRefusedError, noteRecompressed, readPhoto } from "./evidence.js";
import { positionLine } from "./place.js";
import { chooseFix, makeCode } from "./record.js";
import { sha256Text } from "./sha256.js";
import { ORIGINS, button, categoryWord, field, originWord, toast } from "./ui.js";
import { makeUuid7 } from "./uuid7.js";
import { VOCABULARY } from "./vocabulary.js";
import { otherLanguage, pick, say, useLanguage } from "./words.js";

export function showPlainForm(app, state = newState()) {
  document.body.dataset.ready = "true";
  const reasons = app.mode.reasons.map((reason) => make("p", { class: "note warn", text: `${say(`why_${reason}`)}${reason === "embedded" ? `。${say("open_in_browser")}` : ""}` }));
  const language = button(say("other_language"), () => {
    useLanguage(otherLanguage());
    showPlainForm(app, state);
  }, { kind: "quiet" });
  const form = state.session ? hazardFields(app, state) : loginFields(app, state);
  app.root.className = "app plain";
  app.root.replaceChildren(make("header", { class: "bar" }, make("h1", { text: say("plain_title") })), make("main", { class: "screen" }, ...reasons, ...form, language));
}

const newState = () => ({ login: "", password: "", category: "gas", origin: ORIGINS[0], asset: null, description: "", place: null, photos: [], session: null, sending: null, seq: 0, prev_hash: null });

// A step that may fail: its button rests meanwhile, its failure is said, nothing typed is lost.
function stepButton(words, work) {
  const step = button(words, async () => {
    step.disabled = true;
    await work().catch((error) => toast(error instanceof TypeError || error instanceof SyntaxError ? say("plain_failed") : error.message, "bad"));
    step.disabled = false;
  }, { kind: "primary" });
  return step;
}

function loginFields(app, state) {
  const set = (name) => (value) => (state[name] = value);
  return [
    field(say("login_name"), { value: state.login, autocomplete: "username", autocapitalize: "none", oninput: set("login") }),
    field(say("login_password"), { type: "password", autocomplete: "current-password", oninput: set("password") }),
    stepButton(say("login_title"), async () => {
      await openSession(app, state);
      showPlainForm(app, state);
    }),
  ];
}

function hazardFields(app, state) {
  // Whatever is changed makes another record of it; sending again unchanged sends the same bytes.
  const set = (name) => (value) => {
    state[name] = value;
    state.sending = null;
  };
  const photo = make("input", { type: "file", id: "plain-photos", accept: "image/*", capture: "environment", multiple: true, class: "input" });
  photo.addEventListener("change", () => takePhotos(state, photo.files));
  const assets = [["", say("near_other")], ...app.day.assets.map((asset) => [asset.id, asset.name || asset.code])];
  app.positioning.start();
  return [
    field(say("asset"), { tag: "select", value: state.asset?.id ?? "", options: assets, oninput: (id) => set("asset")(app.day.assets.find((asset) => asset.id === id) ?? null) }),
    field(say("near_category"), { tag: "select", value: state.category, options: Object.keys(VOCABULARY.category).map((key) => [key, categoryWord(key)]), oninput: set("category") }),
    field(say("origin"), { tag: "select", value: state.origin, options: ORIGINS.map((key) => [key, originWord(key)]), oninput: set("origin") }),
    field(say("description"), { tag: "textarea", rows: "3", value: state.description, oninput: set("description") }),
    make("div", { class: "field" }, make("label", { for: "plain-photos", text: say("photos") }), photo),
    positionLine(app, { target: state, asset: state.asset, onchange: () => (state.sending = null) }).element,
    stepButton(say("plain_send"), async () => {
      const code = await sendHazard(app, state);
      toast(say("plain_sent", { code }), "good");
      Object.assign(state, { description: "", photos: [], place: null, sending: null });
      showPlainForm(app, state);
    }),
  ];
}

async function takePhotos(state, files) {
  state.photos = [];
  state.sending = null;
  for (const file of files) {
    try {
      const photo = await readPhoto(file);
      if (photo.recompressed) toast(say("photo_recompressed", { n: Math.ceil(photo.recompressed.bytes / 1048576) }), "warn");
      state.photos.push({ ...photo, taken_at: new Date().toISOString() });
    } catch (error) {
      if (!(error instanceof PhotoRefusedError)) throw error;
      toast(say(`photo_${error.reason}`, { n: MAX_BYTES / 1048576 }), "bad");
    }
  }
}

async function openSession(app, state) {
  const device_id = makeUuid7();
  const { login, password } = state;
  const session = await ask("POST", "/devices", JSON.stringify({ login, password, device_id, device_name: "form" }), null);
  app.day = await ask("GET", "/sync", null, session.token);
  state.session = { ...session, device_id };
}

// Sending again sends the same bytes: the server keeps one record.
async function sendHazard(app, state) {
  const fix = chooseFix(app, { place: state.place, asset: state.asset });
  if (!fix) throw new Error(say("place_needed"));
  state.sending ??= buildRecord(state, fix);
  const { id, body, sha256, code } = state.sending;
  const { token } = state.session;
  const answer = await ask("PUT", `/events/${id}`, body, token);
  if (answer.id !== id || answer.sha256 !== sha256) throw new Error(say("problem_mismatch"));
  state.prev_hash = sha256;
  if (answer.outcome === "refused") throw new Error(pick(answer.reason));
  for (const photo of state.photos) if (answer.missing_evidence?.includes(photo.sha256)) await sendPhoto(photo, id, token);
  return code;
}

function buildRecord(state, fix) {
  const { session, category, origin, asset, description, photos, prev_hash } = state;
  const id = makeUuid7();
  const hazard_id = makeUuid7();
  const at = new Date().toISOString();
  const code = makeCode(hazard_id, at);
  const evidence = photos.map((photo, index) => ({ sha256: photo.sha256, kind: index ? "before_close" : "before_wide", media: photo.media, bytes: photo.bytes.size, taken_at: photo.taken_at, ...noteRecompressed(photo) }));
  state.seq += 1;
  const record = { id, type: "found", account: session.person.id, role: "inspector", hazard_id, visit_id: null, asset_id: asset?.id ?? null, asset_choice: asset ? "list" : "none", task_id: null, expected_version: null, form: null, payload: { code, category, origin, description }, evidence, device: { id: session.device_id, seq: state.seq, at }, prev_hash, fix };
  const body = JSON.stringify(record);
  return { id, body, code, sha256: sha256Text(body) };
}

async function ask(method, path, body, token) {
  const headers = { "Content-Type": "application/json", "Client-Now": new Date().toISOString(), ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const response = await fetch(path, { method, body, headers, cache: "no-store", credentials: "omit" });
  // What says 200 and cannot be read to its end is no answer.
  const answer = response.ok ? await response.json() : await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(pick(answer.reason) || answer.detail || answer.title || say("plain_failed"));
  return answer;
}

function sendPhoto(photo, event, token) {
  return new Promise((resolve, reject) => {
    new self.tus.Upload(photo.bytes, {
      endpoint: "/uploads",
      chunkSize: 524_288,
      storeFingerprintForResuming: false,
      headers: { Authorization: `Bearer ${token}` },
      metadata: { sha256: photo.sha256, media: photo.media, event },
      onSuccess: resolve,
      onError: () => reject(new Error(say("plain_failed"))),
    }).start();
  });
}
