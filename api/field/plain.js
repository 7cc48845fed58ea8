// The form for a browser that keeps nothing: one hazard, sent while the page is open.

import { make } from "./dom.js";
import { MAX_BYTES, PhotoRefusedError, readPhoto } from "./evidence.js";
import { makeCode } from "./record.js";
import { sha256Text } from "./sha256.js";
import { button, categoryWord, field, toast } from "./ui.js";
import { makeUuid7 } from "./uuid7.js";
import { VOCABULARY } from "./vocabulary.js";
import { otherLanguage, pick, say, useLanguage } from "./words.js";

export function showPlainForm(app) {
  document.body.dataset.ready = "true";
  const state = { login: "", password: "", category: "gas", description: "", photos: [], session: null, sending: null };
  const reasons = app.mode.reasons.map((reason) => make("p", { class: "note warn", text: `${say(`why_${reason}`)}${reason === "embedded" ? `。${say("open_in_browser")}` : ""}` }));
  const set = (name) => (value) => {
    state[name] = value;
    state.sending = null;
  };
  const photo = make("input", { type: "file", accept: "image/*", capture: "environment", multiple: true, class: "input", "aria-label": say("photos") });
  photo.addEventListener("change", () => takePhotos(state, photo.files));
  const send = button(say("plain_send"), async () => {
    send.disabled = true;
    await sendHazard(state).then(
      (code) => {
        toast(say("plain_sent", { code }), "good");
        Object.assign(state, { description: "", photos: [], sending: null });
        showPlainForm(app);
      },
      (error) => toast(error.message || say("plain_failed"), "bad"),
    );
    send.disabled = false;
  }, { kind: "primary" });
  const language = button(say("other_language"), () => {
    useLanguage(otherLanguage());
    showPlainForm(app);
  }, { kind: "quiet" });
  app.root.replaceChildren(
    make("header", { class: "bar" }, make("h1", { text: say("plain_title") })),
    make(
      "main",
      { class: "screen" },
      ...reasons,
      field(say("login_name"), { autocomplete: "username", oninput: set("login") }),
      field(say("login_password"), { type: "password", autocomplete: "current-password", oninput: set("password") }),
      field(say("near_category"), { tag: "select", value: state.category, options: Object.keys(VOCABULARY.category).map((key) => [key, categoryWord(key)]), oninput: set("category") }),
      field(say("description"), { tag: "textarea", rows: "3", oninput: set("description") }),
      make("div", { class: "field" }, make("label", { text: say("photos") }), photo),
      send,
      language,
    ),
  );
}

async function takePhotos(state, files) {
  state.photos = [];
  state.sending = null;
  for (const file of files) {
    try {
      state.photos.push({ ...(await readPhoto(file)), taken_at: new Date().toISOString() });
    } catch (error) {
      if (!(error instanceof PhotoRefusedError)) throw error;
      toast(say(`photo_${error.reason}`, { n: MAX_BYTES / 1048576 }), "bad");
    }
  }
}

// Sending again sends the same bytes: the server keeps one record.
async function sendHazard(state) {
  state.session ??= await openSession(state);
  state.sending ??= buildRecord(state);
  const { id, body, sha256, code } = state.sending;
  const answer = await ask("PUT", `/events/${id}`, body, state.session.token);
  if (answer.id !== id || answer.sha256 !== sha256) throw new Error(say("problem_mismatch"));
  if (answer.outcome === "refused") throw new Error(pick(answer.reason));
  for (const photo of state.photos) if (answer.missing_evidence?.includes(photo.sha256)) await sendPhoto(photo, id, state.session.token);
  return code;
}

async function openSession({ login, password }) {
  return ask("POST", "/devices", JSON.stringify({ login, password, device_id: makeUuid7(), device_name: "form" }), null);
}

function buildRecord({ session, category, description, photos }) {
  const id = makeUuid7();
  const hazard_id = makeUuid7();
  const at = new Date().toISOString();
  const code = makeCode(hazard_id, at);
  const evidence = photos.map(({ sha256, media, bytes, taken_at }, index) => ({ sha256, kind: index ? "before_close" : "before_wide", media, bytes: bytes.size, taken_at }));
  const body = JSON.stringify({ id, type: "found", account: session.person.id, role: "inspector", hazard_id, visit_id: null, asset_id: null, asset_choice: "none", task_id: null, expected_version: null, form: null, payload: { code, category, description }, evidence, device: { id: session.device_id ?? makeUuid7(), seq: 1, at }, prev_hash: null, fix: null });
  return { id, body, code, sha256: sha256Text(body) };
}

async function ask(method, path, body, token) {
  const headers = { "Content-Type": "application/json", "Client-Now": new Date().toISOString(), ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const response = await fetch(path, { method, body, headers, cache: "no-store", credentials: "omit" });
  const answer = await response.json().catch(() => ({}));
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
