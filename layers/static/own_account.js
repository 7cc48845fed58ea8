// The page of one's own account: the second factor, the password.

import { byId, make } from "./dom.js";

const english = document.documentElement.lang.startsWith("en");
const WORDS = {
  failed: ["操作未完成", "It was not done"],
  off: ["未启用", "Not set up"],
  needed: ["须先设置,才能继续使用", "Needed before anything else"],
  on: ["已启用 · 剩余恢复码 {n} 个", "In force · {n} recovery codes left"],
  unlike: ["两次输入的新口令不一致", "The new password was not typed twice alike"],
  changed: ["口令已修改,其他登录均已失效", "Changed: every other login has ended"],
};

const say = (key, facts = {}) => WORDS[key][english ? 1 : 0].replace(/\{(\w+)\}/g, (_, name) => facts[name]);

async function ask(method, path, body) {
  const headers = { "X-Infratrack": "1", Accept: "application/json", "Accept-Language": english ? "en" : "zh" };
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body ? JSON.stringify(body) : undefined, cache: "no-store" });
  const document_ = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(document_.detail ?? say("failed"));
  return document_;
}

function tell(words, isGood = false) {
  byId("notice").textContent = words;
  byId("notice").hidden = false;
  byId("notice").classList.toggle("is-good", isGood);
  byId("notice").scrollIntoView({ block: "nearest" });
}

async function attempt(work) {
  byId("notice").hidden = true;
  try {
    await work();
  } catch (error) {
    tell(error.message);
  }
}

const onSubmit = (id, work) => byId(id).addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(() => work(Object.fromEntries(new FormData(event.target)), event.target));
});

async function showState() {
  const { confirmed_at, recovery_codes, is_required } = await ask("GET", "/me/second-factor");
  const isOn = confirmed_at !== null;
  byId("state").textContent = isOn ? say("on", { n: recovery_codes }) : say(is_required ? "needed" : "off");
  byId("state").classList.toggle("chip-off", !isOn && is_required);
  byId("old-code").hidden = !isOn;
  byId("begin-code").required = isOn;
}

async function begin({ password, second_factor }, form) {
  const made = await ask("POST", "/me/second-factor", { password, ...(second_factor ? { second_factor } : {}) });
  form.reset();
  form.hidden = true;
  byId("picture").src = `data:image/svg+xml,${encodeURIComponent(made.svg)}`;
  byId("key").textContent = made.secret.match(/.{1,4}/g).join(" ");
  byId("confirm").hidden = false;
  byId("confirm-code").focus();
}

async function confirm({ code }, form) {
  const { recovery_codes } = await ask("POST", "/me/second-factor/confirm", { code });
  form.hidden = true;
  byId("key").textContent = "";
  byId("picture").removeAttribute("src");
  byId("codes").replaceChildren(...recovery_codes.map((one) => make("li", {}, make("code", { text: one }))));
  byId("recovery").hidden = false;
  await showState();
}

async function change({ old, new: chosen, again }, form) {
  if (chosen !== again) throw new Error(say("unlike"));
  await ask("POST", "/me/password", { old, new: chosen });
  form.reset();
  tell(say("changed"), true);
}

onSubmit("begin", begin);
onSubmit("confirm", confirm);
onSubmit("change", change);
byId("print").addEventListener("click", () => window.print());
byId("done").addEventListener("click", () => location.assign(document.body.dataset.goal));
byId("logout").addEventListener("click", async () => {
  await attempt(() => ask("POST", "/logout"));
  location.assign("/login");
});
attempt(async () => {
  const { person } = await ask("GET", "/me");
  byId("who").textContent = person?.name ?? "";
  await showState();
});
