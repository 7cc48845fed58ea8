// A record the office makes of duty or of a plot: a dialog of fields, one envelope, its outcome.

import { serverTime } from "./clock.js";
import { make } from "./dom.js";
import { button, complain, field, openDialog, select, toast, writeMoment } from "./parts.js";
import { sendRecord } from "./records.js";
import { pick, say } from "./words.js";

// A time of the county, as the field shows it, and as a moment.
export const nowText = (later = 0) => writeMoment(serverTime() + later).replace(" ", "T");

export function readMoment(text) {
  if (!text) return null;
  const guess = Date.parse(`${text}:00Z`);
  if (Number.isNaN(guess)) return null;
  const shown = Date.parse(`${writeMoment(guess).replace(" ", "T")}:00Z`);
  return new Date(guess - (shown - guess)).toISOString();
}

export const readList = (text) => text.split(/[,,、;;\n]/).map((one) => one.trim()).filter(Boolean);

function roleOf(person) {
  return ["leader", "officer", "inspector"].find((role) => person.capacities.includes(role)) ?? null;
}

// Gives the receipt; what was refused is said by the caller.
export function record(office, type, payload, asset = null) {
  const { person } = office.start;
  return sendRecord(person.id, { type, role: roleOf(person), ...(asset ? { asset_id: asset, asset_choice: "list" } : {}), payload });
}

// One click: recorded as it happens.
export async function recordNow(office, { type, payload, asset, title, done }) {
  try {
    const receipt = await record(office, type, payload, asset);
    if (receipt.outcome === "refused") toast(`${say("act_refused")}:${pick(receipt.reason)}`, "bad");
    else toast(say("step_recorded", { what: title }), "good");
    await done();
  } catch (error) {
    error.status === 0 ? toast(say("act_kept"), "bad") : complain(error);
  }
}

const READERS = {
  moment: readMoment,
  number: (text) => (text === "" ? null : Number(text)),
  list: readList,
  tick: (value) => value,
};

function control(one) {
  const { name, kind = "text", value = "" } = one;
  if (kind === "select") return select(name, one.options, value);
  if (kind === "long") return make("textarea", { name, rows: 3, maxlength: 2000, text: value });
  const types = { moment: "datetime-local", number: "number", date: "date" };
  const limits = kind === "number" ? { min: one.min ?? 0, max: one.max ?? null, step: one.step ?? "any", inputmode: "decimal" } : kind === "date" ? { max: one.max ?? null } : { maxlength: 200 };
  return make("input", { name, type: types[kind] ?? "text", value, ...limits });
}

function renderField(one) {
  if (one.kind === "head") return make("h3", { text: one.label });
  if (one.kind === "tick") return make("label", { class: "tick" }, make("input", { type: "checkbox", name: one.name, checked: Boolean(one.value) }), make("span", { text: one.label }));
  return field(`${one.label}${one.needed ? " *" : ""}`, control(one), one.hint ?? "");
}

function readFields(form, fields) {
  const given = {};
  for (const { name, kind } of fields.filter((one) => one.name)) {
    const input = form.elements.namedItem(name);
    const text = input.type === "checkbox" ? input.checked : input.value.trim();
    const value = (READERS[kind] ?? ((same) => same))(text);
    if (value !== null && value !== "" && value !== false && !(Array.isArray(value) && !value.length)) given[name] = value;
  }
  return given;
}

// fields: { name, label, kind, options, value, needed, hint }; prepare: from what was given to { payload, asset }.
export function openRecord({ office, title, type, fields, text = "", prepare = (payload) => ({ payload }), done }) {
  const problem = make("p", { class: "problem", role: "alert", hidden: true });
  const submit = make("button", { type: "submit", class: "button primary", text: say("submit") });
  const form = make("form", { class: "act-form", novalidate: true, onsubmit: (happened) => (happened.preventDefault(), send()) },
    text ? make("p", { text }) : null, ...fields.map(renderField), problem,
    make("div", { class: "form-foot" }, button(say("cancel"), () => opened.close(), "quiet"), submit));
  const opened = openDialog(title, form);
  const show = (words) => Object.assign(problem, { hidden: !words, textContent: words });

  async function send() {
    const given = readFields(form, fields);
    const missing = fields.filter((one) => one.needed && !(one.name in given));
    if (missing.length) return show(say("needs", { what: missing.map((one) => one.label).join(say("separator")) }));
    submit.disabled = true;
    try {
      const { payload, asset } = await prepare(given);
      const receipt = await record(office, type, payload, asset);
      // What stands behind the dialog is true again before it goes.
      await done();
      if (receipt.outcome === "refused") show(`${say("act_refused")}:${pick(receipt.reason)}`);
      else {
        opened.close();
        toast(say("step_recorded", { what: title }), "good");
      }
    } catch (error) {
      show(error.status === 0 ? say("act_kept") : say("failed", { why: error.message }));
    }
    submit.disabled = false;
    return undefined;
  }
}
