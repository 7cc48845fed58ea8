// The system officer's page: who there is, new accounts, phones' enrolment codes.

import { byId, make } from "./dom.js";

const english = document.documentElement.lang.startsWith("en");
const WORDS = {
  failed: ["操作未完成", "It was not done"],
  login: ["请重新登录", "Log in again"],
  password_for: ["{name} 的口令", "Password of {name}"],
  once: ["仅显示这一次,请当面交给本人;首次登录须更改。", "Shown this once: hand it over in person. The first login changes it."],
  code_for: ["{name} 的手机登记码", "Enrolment code for {name}'s phone"],
  scan: ["用手机扫描,{minutes} 分钟内有效,仅可使用一次。", "Scan it with the phone within {minutes} minutes; it works once."],
  phone: ["登记手机", "Enrol a phone"],
  reset: ["重置口令", "New password"],
  reset_factor: ["重置二次验证", "Reset second factor"],
  factor: ["二次验证", "Second factor"],
  disable: ["停用", "Disable"],
  enable: ["启用", "Enable"],
  disabled: ["已停用", "Disabled"],
  sure: ["再点一次确认", "Click again"],
  close: ["关闭", "Close"],
};
const FIELD_ROLES = new Set(["inspector", "officer", "leader"]);

const say = (key, facts = {}) => WORDS[key][english ? 1 : 0].replace(/\{(\w+)\}/g, (_, name) => facts[name]);
let own = null;
const labels = new Map([...document.querySelectorAll(".role input")].map((box) => [box.value, box.nextElementSibling.textContent]));

async function ask(method, path, body) {
  const headers = { "X-Infratrack": "1", Accept: "application/json", "Accept-Language": english ? "en" : "zh" };
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body ? JSON.stringify(body) : undefined, cache: "no-store" });
  if (answer.status === 401) location.assign(`/login?next=/admin&lang=${english ? "en" : "zh"}`);
  const document_ = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(document_.detail ?? say("failed"));
  return document_;
}

// Runs what a button does; what goes wrong is said above the list.
async function attempt(work) {
  byId("notice").hidden = true;
  try {
    await work();
  } catch (error) {
    byId("notice").textContent = error.message;
    byId("notice").hidden = false;
    byId("notice").scrollIntoView({ block: "nearest" });
  }
}

function reveal(title, ...children) {
  byId("secret-title").textContent = title;
  byId("secret-body").replaceChildren(...children);
  byId("secret-close").textContent = say("close");
  byId("secret").showModal();
}

function revealPassword(person) {
  reveal(say("password_for", { name: person.name }), make("code", { text: person.password }), make("p", { text: `${person.login} · ${say("once")}` }));
}

async function enrol(person) {
  const made = await ask("POST", "/enrolments", { account_id: person.id });
  const picture = make("img", { alt: "", width: 300, height: 300, src: `data:image/svg+xml,${encodeURIComponent(made.svg)}` });
  const minutes = Math.round((new Date(made.expires_at) - Date.now()) / 60000);
  reveal(say("code_for", { name: person.name }), picture, make("code", { text: made.code.match(/.{1,4}/g).join("-") }), make("p", { text: say("scan", { minutes }) }));
}

async function reset(person) {
  revealPassword(await ask("PATCH", `/accounts/${person.id}`, { reset_password: true }));
}

async function resetFactor(person) {
  await ask("PATCH", `/accounts/${person.id}`, { reset_second_factor: true });
  await list();
}

async function toggle(person) {
  await ask("PATCH", `/accounts/${person.id}`, { disabled: person.disabled_at === null });
  await list();
}

// A button that cannot be undone asks for a second click.
function sureButton(words, act) {
  const button = make("button", { type: "button", class: "plain danger", text: words });
  button.addEventListener("click", () => {
    if (button.dataset.armed) return attempt(act);
    button.dataset.armed = "1";
    button.textContent = say("sure");
    return setTimeout(() => {
      delete button.dataset.armed;
      button.textContent = words;
    }, 3000);
  });
  return button;
}

function renderPerson(person) {
  const off = person.disabled_at !== null;
  const button = (key, act) => make("button", { type: "button", class: "plain", text: say(key), onclick: () => attempt(() => act(person)) });
  const phone = person.roles.some((role) => FIELD_ROLES.has(role)) ? button("phone", enrol) : null;
  const factor = person.has_second_factor ? sureButton(say("reset_factor"), () => resetFactor(person)) : null;
  const active = [phone, factor, sureButton(say("reset"), () => reset(person)), sureButton(say("disable"), () => toggle(person))];
  const others = off ? [button("enable", toggle)] : active;
  const acts = person.id === own ? [] : others; // nobody changes their own account here
  const chips = person.roles.map((role) => make("span", { class: "chip", text: labels.get(role) ?? role }));
  if (person.section) chips.push(make("span", { class: "muted", text: person.section }));
  if (person.has_second_factor) chips.push(make("span", { class: "chip", text: say("factor") }));
  if (off) chips.unshift(make("span", { class: "chip chip-off", text: say("disabled") }));
  return make("li", { class: off ? "person is-off" : "person" }, make("div", {}, make("strong", { text: person.name }), make("div", { class: "login", text: person.login })), make("div", { class: "chips" }, ...chips), make("div", { class: "acts" }, ...acts));
}

async function list() {
  const { accounts } = await ask("GET", "/accounts");
  accounts.sort((one, other) => Number(one.disabled_at !== null) - Number(other.disabled_at !== null));
  byId("count").textContent = String(accounts.length);
  byId("people").replaceChildren(...accounts.map(renderPerson));
}

// Officers exclude each other and every other role: what cannot be chosen is not offered.
function limitRoles() {
  const boxes = [...document.querySelectorAll(".role input")];
  const chosen = boxes.filter((box) => box.checked);
  const officer = chosen.some((box) => box.dataset.kind === "officer");
  for (const box of boxes) box.disabled = !box.checked && chosen.length > 0 && (officer || box.dataset.kind === "officer");
}

async function create(event) {
  event.preventDefault();
  const form = event.target;
  const values = new FormData(form);
  const townships = values.get("townships").split(/[,，、]/).map((word) => word.trim()).filter(Boolean);
  await attempt(async () => {
    const made = await ask("POST", "/accounts", { login: values.get("login"), name: values.get("name"), roles: values.getAll("roles"), section: values.get("section") || null, townships });
    form.reset();
    limitRoles();
    revealPassword(made);
    await list();
  });
}

async function logOut() {
  await attempt(() => ask("POST", "/logout"));
  location.assign("/login");
}

byId("new").addEventListener("submit", create);
byId("new").addEventListener("change", limitRoles);
byId("logout").addEventListener("click", logOut);
byId("secret-close").addEventListener("click", () => byId("secret").close());
byId("secret").addEventListener("close", () => byId("secret-body").replaceChildren());
attempt(async () => {
  const { person } = await ask("GET", "/me");
  byId("who").textContent = person?.name ?? "";
  own = person?.id ?? null;
  await list();
});
