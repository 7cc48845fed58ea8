// Who is logged in, in the header of the live map: one element, nothing else of the page.

import { make } from "./dom.js";

const WORDS = {
  login: ["登录", "Log in"],
  logout: ["退出", "Log out"],
};

const english = () => document.documentElement.lang.startsWith("en");
const say = (key) => WORDS[key][english() ? 1 : 0];
let person = null;

function goal() {
  return encodeURIComponent(location.pathname + location.search);
}

async function logOut() {
  await fetch("/logout", { method: "POST", headers: { "X-Infratrack": "1" } });
  location.reload();
}

function render(place) {
  const language = english() ? "en" : "zh";
  if (person === null) {
    place.replaceChildren(make("a", { class: "account-login", href: `/login?lang=${language}&next=${goal()}`, text: say("login") }));
    return;
  }
  const page = person.roles.includes("system_officer") ? "/admin" : "/account";
  const name = make("a", { class: "account-name", href: `${page}?lang=${language}`, text: person.name });
  name.title = person.login;
  place.replaceChildren(name, make("button", { type: "button", class: "account-logout", text: say("logout"), onclick: logOut }));
}

async function start() {
  const place = make("div", { id: "account", class: "account" });
  document.querySelector(".tools")?.append(place);
  try {
    const answer = await fetch("/me", { cache: "no-store" });
    person = (await answer.json()).person;
  } catch {
    return; // the map itself says when the server cannot be reached
  }
  render(place);
  new MutationObserver(() => render(place)).observe(document.documentElement, { attributeFilter: ["lang"] });
}

start();
