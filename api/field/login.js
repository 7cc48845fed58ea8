// Logging in, once, with a signal: by password or by a code from the office.

import { RefusedLoginError, logIn } from "./account.js";
import { make } from "./dom.js";
import { button, field } from "./ui.js";
import { otherLanguage, pick, say } from "./words.js";

export async function showLogin(app, [login = ""]) {
  const proof = { login: login || "", password: "", code: app.enrolment ?? "" };
  let byCode = Boolean(app.enrolment);
  const needs = new Set(); // what the server asked for beside the password or the code
  const form = make("form", { class: "stack", novalidate: true });
  const problem = make("p", { class: "problem", role: "alert", hidden: true });
  const send = button(say("login_title"), () => {}, { kind: "primary", type: "submit" });

  function fill() {
    const inputs = byCode ? codeInputs(app, proof) : passwordInputs(proof);
    const swap = button(byCode ? say("login_by_password") : say("login_by_code"), () => {
      byCode = !byCode;
      needs.clear();
      fill();
    }, { kind: "quiet" });
    const further = [...needs].map((name) => furtherInput(name, proof));
    form.replaceChildren(...inputs, ...further, problem, send, swap);
  }

  function askFor(names) {
    const fresh = names.filter((name) => name in FURTHER && !needs.has(name));
    if (fresh.length === 0) return;
    fresh.forEach((name) => needs.add(name));
    fill();
    form.querySelector(`[name=${fresh[0]}]`).focus();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    send.disabled = true;
    try {
      await logIn(app.db, { ...shownProof(proof, byCode), ...furtherProof(proof, needs) });
      app.enrolment = null;
      await app.enter();
    } catch (error) {
      problem.textContent = explain(error);
      problem.hidden = false;
      askFor(error.problem?.needs ?? []);
    } finally {
      send.disabled = false;
    }
  });
  fill();
  const language = button(say("other_language"), () => app.setLanguage(otherLanguage()), { kind: "quiet", lang: otherLanguage() });
  const lead = make("div", { class: "welcome" }, make("h2", { text: say("app") }), make("p", { text: say("login_lead") }));
  return { title: say("login_title"), back: app.account ? "today" : null, body: [lead, form, language] };
}

function passwordInputs(proof) {
  return [
    field(say("login_name"), { value: proof.login, autocomplete: "username", autocapitalize: "none", spellcheck: "false", oninput: (value) => (proof.login = value) }),
    field(say("login_password"), { type: "password", value: proof.password, autocomplete: "current-password", oninput: (value) => (proof.password = value) }),
  ];
}

// What a login may need beside the password, by the server's names.
const FURTHER = {
  second_factor: { words: "login_second", hint: "login_second_hint", attributes: { autocomplete: "one-time-code", autocapitalize: "none", spellcheck: "false" } },
  new_password: { words: "login_new_password", hint: "login_new_hint", attributes: { type: "password", autocomplete: "new-password" } },
};

function furtherInput(name, proof) {
  const { words, hint, attributes } = FURTHER[name];
  return field(say(words), { ...attributes, name, hint: say(hint), value: proof[name] ?? "", oninput: (value) => (proof[name] = value) });
}

function shownProof(proof, byCode) {
  return byCode ? { code: proof.code.trim() } : { login: proof.login.trim(), password: proof.password };
}

function furtherProof(proof, needs) {
  return Object.fromEntries([...needs].filter((name) => proof[name]).map((name) => [name, proof[name]]));
}

function codeInputs(app, proof) {
  return [
    field(say("login_code"), { value: proof.code, hint: say("login_code_hint"), autocomplete: "one-time-code", autocapitalize: "characters", spellcheck: "false", oninput: (value) => (proof.code = value) }),
    button(say("tab_scan"), () => app.go("scan/login"), { glyph: "scan" }),
  ];
}

function explain(error) {
  if (!(error instanceof RefusedLoginError)) return say("login_offline");
  return pick(error.problem.words) || say("login_refused");
}
