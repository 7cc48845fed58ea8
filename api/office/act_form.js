// The dialog of one step: its fields, its photos, and what the server made of it.

import { ACTS, findMissing, makePayload } from "./acts.js";
import { make } from "./dom.js";
import { MAX_BYTES, PhotoRefusedError, hashBytes, noteRecompressed, readPhoto } from "./evidence.js";
import { button, field, openDialog, optionsOf, select, toast, word } from "./parts.js";
import { planWord } from "./plan.js";
import { sendRecord, uploadPhoto } from "./records.js";
import { PLAN_FIELDS, ROLES, VOCABULARY } from "./vocabulary.js";
import { pick, say } from "./words.js";

// In which capacity: the leader's word where somebody is both.
const PREFERRED = ["leader", "officer", "reinspector", "inspector", "duty_holder"];
const LONG = new Set(["note", "reason", "refused_reason", "interim_control"]);
const DAYS = new Set(["due_on", "review_on", "fixed_on"]);
const TICKS = new Set(["supervision_listed", "use_suspended"]);

export function chooseRole(event, capacities) {
  return PREFERRED.find((role) => capacities.includes(role) && ROLES[event].includes(role));
}

export function openAct({ office, hazard, event, hint, done }) {
  const act = ACTS[event];
  const photos = [];
  const title = nameAct(event, hazard);
  const problem = make("p", { class: "problem", role: "alert", hidden: true });
  const submit = make("button", { type: "submit", class: `button ${act.tone === "danger" ? "danger" : "primary"}`, text: say("submit") });
  const form = make("form", { class: "act-form", novalidate: true, onsubmit: (happened) => (happened.preventDefault(), send()) },
    hint ? make("p", { class: "hint-line", text: pick(hint) }) : null,
    act.text ? make("p", { text: say(act.text) }) : null,
    ...act.fields.map((name) => renderField(name, { office, hazard })),
    act.photos ? renderPhotoField(act, photos) : null,
    problem,
    make("div", { class: "form-foot" }, button(say("cancel"), () => opened.close(), "quiet"), submit));
  const opened = openDialog(title, form);
  const show = (text) => Object.assign(problem, { hidden: !text, textContent: text });

  async function send() {
    const given = { ...readFields(form), photos };
    const missing = findMissing(event, given);
    if (missing.length) return show(say("needs", { what: missing.map(nameField).join(say("separator")) }));
    submit.disabled = true;
    submit.textContent = say("sending");
    show("");
    try {
      await settle(await submitAct({ office, hazard, event, given }));
    } catch (error) {
      show(error.status === 0 ? say("act_kept") : say("failed", { why: error.message }));
    }
    submit.disabled = false;
    submit.textContent = say("submit");
    return undefined;
  }

  async function settle(receipt) {
    const why = pick(receipt.reason);
    if (receipt.outcome === "refused") {
      const stale = receipt.reason?.rule === "stale";
      show(`${say("act_refused")}:${why}${stale ? ` ${say("act_stale")}` : ""}`);
      return done();
    }
    opened.close();
    toast(receipt.outcome === "applied" ? say("act_done", { what: title }) : say("act_waiting", { what: title, why }), receipt.outcome === "applied" ? "good" : "");
    return done();
  }
}

// Steps that say where they were taken. From a desk that is the hazard's own place, and said to be.
const PLACED = new Set(["passed", "returned"]);
const placeOf = ({ asset_id, lon, lat }) => ({ asset_id: asset_id ?? null, fix: { lon, lat, accuracy_m: null, level: null, source: "asset" } });

// Photos first: a record never promises what has not arrived.
async function submitAct({ office, hazard, event, given }) {
  for (const { photo } of given.photos) await uploadPhoto(photo);
  const { person } = office.start;
  const evidence = given.photos.map(({ photo, kind }) => ({ sha256: photo.sha256, kind, media: photo.media, bytes: photo.bytes.size, ...noteRecompressed(photo) }));
  return sendRecord(person.id, {
    type: event,
    role: chooseRole(event, person.capacities),
    hazard_id: hazard.id,
    expected_version: hazard.version,
    payload: makePayload(event, given, hazard),
    evidence,
    ...(PLACED.has(event) ? placeOf(hazard) : {}),
  });
}

function readFields(form) {
  const given = {};
  for (const control of form.querySelectorAll("[name]")) {
    if (control.name.startsWith("photo")) continue;
    given[control.name] = control.type === "checkbox" ? control.checked : control.value.trim();
  }
  return given;
}

const LABELS = { severity: "severity", section: "section", assigned_to: "person", duty_holder: "duty_holder" };
const nameField = (name) => (name in PLAN_FIELDS ? planWord(name) : say(LABELS[name] ?? `f_${name}`));

// A plan that is filed again is amended.
export const nameAct = (event, hazard) => say(event === "plan_filed" && hazard.plan_version ? "do_plan_amended" : `do_${event}`);

function renderField(name, { office, hazard }) {
  const label = nameField(name);
  if (name in PLAN_FIELDS) return renderPlanField(name, `${label} *`, hazard.plan?.[name] ?? "");
  if (TICKS.has(name)) return make("label", { class: "tick" }, make("input", { type: "checkbox", name, checked: Boolean(hazard[name]) }), make("span", { text: label }));
  if (name === "severity") return field(label, select(name, optionsOf("severity", "—").slice(1), hazard.severity));
  if (name === "assigned_to") return field(label, select(name, officersOf(office), hazard.assigned_to ?? ""));
  if (name === "section") return field(label, renderSections(office, hazard));
  if (DAYS.has(name)) return field(label, make("input", { type: "date", name }), name === "due_on" && hazard.state === "registered" ? say("f_due_hint") : "");
  if (LONG.has(name)) return field(label, make("textarea", { name, rows: 3, maxlength: 2000 }));
  return field(label, make("input", { type: "text", name, maxlength: 200, value: name === "duty_holder" ? hazard.duty_holder ?? "" : "" }));
}

function renderPlanField(name, label, value) {
  if (name === "deadline") return field(label, make("input", { type: "date", name, value }));
  if (name === "measures" || name === "contingency") return field(label, make("textarea", { name, rows: 3, maxlength: 2000, text: value }));
  return field(label, make("input", { type: "text", name, maxlength: 200, value }));
}

function officersOf(office) {
  const officers = (office.start.people ?? []).filter((one) => one.roles.includes("officer") || one.roles.includes("leader"));
  return [["", "—"], ...officers.map((one) => [one.login, one.section ? `${one.name}(${one.section})` : one.name])];
}

function renderSections(office, hazard) {
  const list = make("datalist", { id: "sections" }, ...office.start.sections.map((name) => make("option", { value: name })));
  return make("span", { class: "with-list" }, make("input", { type: "text", name: "section", list: "sections", maxlength: 200, value: hazard.section ?? office.start.person.section ?? "" }), list);
}

const DOCUMENTS = new Set(["document", "notice", "receipt", "request", "measures"]);

// A notice or a plan may also come as it was written: a PDF.
async function readFile(file) {
  const head = new Uint8Array(await file.slice(0, 5).arrayBuffer());
  if (String.fromCharCode(...head) !== "%PDF-") return readPhoto(file);
  if (file.size > MAX_BYTES) throw new PhotoRefusedError("too_large");
  const buffer = await file.arrayBuffer();
  const media = "application/pdf";
  return { sha256: await hashBytes(buffer), media, bytes: new Blob([buffer], { type: media }) };
}

export function renderPhotoField(act, photos) {
  const takesDocuments = act.photos.some((key) => DOCUMENTS.has(key));
  const chosen = make("ul", { class: "chosen" });
  const kind = act.photos.length > 1 ? select("photo_kind", act.photos.map((key) => [key, pick(VOCABULARY.evidence[key])]), act.photos[0]) : null;
  const input = make("input", { type: "file", name: "photo", accept: takesDocuments ? "image/*,application/pdf" : "image/*", multiple: true, class: "unseen", onchange: take });

  async function take() {
    for (const file of input.files) {
      try {
        const photo = takesDocuments ? await readFile(file) : await readPhoto(file);
        if (photos.some((one) => one.photo.sha256 === photo.sha256)) continue;
        if (photo.recompressed) toast(`${file.name}: ${say("photo_recompressed")}`);
        photos.push({ photo, name: file.name, kind: kind?.value ?? act.photos[0] });
      } catch (error) {
        if (!error.reason) throw error;
        toast(`${file.name}: ${say(`photo_${error.reason}`)}`, "bad");
      }
    }
    input.value = "";
    show();
  }

  function show() {
    chosen.replaceChildren(...photos.map((one, at) => make("li", {},
      make("span", { text: one.name }), make("span", { class: "muted", text: word("evidence", one.kind) }),
      button("×", () => (photos.splice(at, 1), show()), "icon", { "aria-label": say("cancel") }))));
  }
  return make("div", { class: "field" }, make("span", { class: "label", text: `${say(takesDocuments ? "f_file" : "f_photo")}${act.photoNeeded ? " *" : ""}` }),
    make("div", { class: "photo-line" }, kind, make("label", { class: "button" }, say(takesDocuments ? "pick_files" : "pick_photos"), input)), chosen);
}
