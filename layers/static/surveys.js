// The page of surveys: batches, one batch with its findings on table and map, decisions.

import { byId, make } from "./dom.js";
import { drawFindings } from "./surveys_map.js";
import { english, km, pick, say } from "./surveys_words.js";

const BASE = "/surveys/batches";
const SEVERITIES = ["error", "warning", "notice"];
const ITEMS = ["tables", "map", "inspection", "scheme"];
const STATES = ["in_progress", "delivered", "accepted"];
const LIMIT = 200;
const state = { edits: false, rules: {}, batch: null, filters: {}, chosen: new Set(), map: null };

async function ask(method, path, body, type = "application/json") {
  const headers = { "X-Infratrack": "1", Accept: "application/json", "Accept-Language": english ? "en" : "zh" };
  if (body !== undefined) headers["Content-Type"] = type;
  const sent = body === undefined || type !== "application/json" ? body : JSON.stringify(body);
  const answer = await fetch(path, { method, headers, body: sent, cache: "no-store" });
  if (answer.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname)}&lang=${english ? "en" : "zh"}`);
  const found = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(found?.detail ?? say("failed"));
  return found;
}

async function attempt(work) {
  byId("notice").hidden = true;
  try {
    await work();
  } catch (error) {
    byId("progress").hidden = true;
    byId("notice").textContent = error.message;
    byId("notice").hidden = false;
    byId("notice").scrollIntoView({ block: "nearest" });
  }
}

function showStep(words, share) {
  byId("progress").hidden = false;
  byId("step").textContent = words;
  byId("bar").value = share;
}

// A job is asked until it ends; what it ended with is said.
async function follow(job) {
  if (job === null) return;
  for (;;) {
    const found = await ask("GET", `/jobs/${job}`);
    showStep(say("judging"), found.progress);
    if (found.state === "done") break;
    if (found.state === "failed" || found.state === "cancelled") throw new Error(pick(found.problem) || say("failed"));
    await new Promise((resume) => setTimeout(resume, 500));
  }
  showStep(say("done"), 1);
}

async function handIn(file, facts) {
  showStep(say("uploading"), 0);
  const query = new URLSearchParams({ file: file.name, ...facts });
  const { batch, job } = await ask("POST", `${BASE}?${query}`, file, "application/octet-stream");
  await follow(job);
  await openBatch(batch);
}

// --- the list ---

function severityChips(result) {
  const counts = result?.severities ?? {};
  return SEVERITIES.filter((key) => counts[key]).map((key) => make("span", { class: `chip ${key}`, text: `${say(key)} ${counts[key]}` }));
}

function deliverableChips(batch) {
  return ITEMS.filter((item) => batch.deliverables[item]).map((item) => {
    const { state: word } = batch.deliverables[item];
    return make("span", { class: `chip state-${word}`, text: `${say(item)} ${say(word === "accepted" ? "accepted_state" : word)}` });
  });
}

function renderRow(batch) {
  const last = batch.last;
  const told = last?.problem ? [make("span", { class: "chip error", text: say("unreadable") })] : last?.result ? severityChips(last.result) : [make("span", { class: "muted", text: say("waiting") })];
  const link = make("a", { href: `#${batch.id}`, text: batch.name });
  return make("tr", {}, make("td", {}, link, make("div", { class: "small", text: batch.unit })), make("td", {}, ...told), make("td", { class: "figure", text: km(batch.claimed_m) }), make("td", { class: "figure", text: km(last?.surveyed_m) }), make("td", { class: "figure", text: km(last?.accepted_m) }), make("td", {}, ...deliverableChips(batch)));
}

async function showList() {
  const { batches, rules, may_edit: edits } = await ask("GET", BASE);
  Object.assign(state, { rules, edits, batch: null });
  byId("batch").hidden = true;
  byId("list").hidden = false;
  byId("adding").hidden = !edits;
  byId("adding").open = edits && batches.length === 0;
  byId("count").textContent = String(batches.length);
  const heads = ["name", "found", "claimed", "surveyed", "accepted", "deliverables"].map((key) => make("th", { scope: "col", text: say(key) }));
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...batches.map(renderRow)));
  byId("batches").replaceChildren(batches.length ? make("div", { class: "wide", tabindex: "0" }, table) : make("p", { class: "muted", text: say("none") }));
}

// --- one batch ---

function selectOf(key, values, label = say) {
  const options = ["", ...values].map((value) => make("option", { value, text: value === "" ? say("all") : label(value), selected: state.filters[key] === value }));
  const id = `filter-${key}`;
  const select = make("select", { id, onchange: () => { state.filters[key] = select.value; attempt(listFindings); } }, ...options);
  return make("div", {}, make("label", { for: id, text: say(key) }), select);
}

function renderFilters(batch, last) {
  const counts = last?.counts ?? {};
  const named = Object.keys(counts).sort((one, two) => counts[two] - counts[one]);
  return make("div", { class: "filters" }, selectOf("severity", SEVERITIES), selectOf("rule", named, (rule) => `${pick(state.rules[rule]?.title) || rule} (${counts[rule]})`), selectOf("sheet", batch.sheets, (name) => name || "–"), selectOf("state", ["open", "accept", "waive"]), selectOf("change", ["new", "same", "gone"]));
}

function renderDeliverables(batch) {
  return make("div", { class: "deliverables" }, make("h2", { text: say("deliverables") }), ...ITEMS.map((item) => {
    const now = batch.deliverables[item]?.state ?? "";
    const words = (word) => say(word === "" ? "nothing" : word === "accepted" ? "accepted_state" : word);
    if (!state.edits) return make("p", {}, make("strong", { text: say(item) }), ` ${words(now)}`);
    const options = ["", ...STATES].map((value) => make("option", { value, text: words(value), selected: value === now, disabled: value === "" }));
    const select = make("select", { id: `item-${item}`, onchange: () => attempt(() => ask("POST", `${BASE}/${batch.id}/deliverables`, { item, state: select.value })) }, ...options);
    return make("div", {}, make("label", { for: `item-${item}`, text: say(item) }), select);
  }));
}

function renderHead(batch, last) {
  const result = last?.result;
  const lines = [];
  if (last?.problem) lines.push(make("p", { class: "complaint", text: pick(last.problem) }));
  if (result) {
    const loaded = Object.fromEntries(Object.entries(result.loaded).map(([kind, n]) => [kind, n.added + n.changed + n.unchanged]));
    lines.push(make("p", { text: `${say("counts", result)} · ${say("loaded", { nodes: loaded.sewer_manhole, pipes: loaded.sewer_pipe })}` }));
    if (result.held) lines.push(make("p", { class: "small", text: say("held", result) }));
  }
  if (batch.imports.filter((one) => one.counts).length > 1) lines.push(make("p", { class: "small", text: say("difference", batch.difference) }));
  const figures = [["claimed", batch.claimed_m], ["surveyed", last?.surveyed_m], ["accepted", last?.accepted_m]];
  return [make("p", {}, make("a", { href: "#", class: "back", text: `‹ ${say("back")}` })), make("h2", { class: "title", text: batch.name }), make("p", { class: "small", text: [batch.unit, last && `${last.file} (${last.number})`].filter(Boolean).join(" · ") }), make("dl", { class: "figures" }, ...figures.map(([key, metres]) => make("div", {}, make("dt", { text: say(key) }), make("dd", { text: km(metres) })))), make("p", { class: "chips" }, ...severityChips(result)), ...lines];
}

function renderActs(batch, last) {
  const acts = [];
  if (last?.counts && state.edits) acts.push(make("a", { class: "button", href: `${BASE}/${batch.id}/book`, download: "", text: say("download") }));
  if (last?.counts) acts.push(make("a", { class: "button plain", href: `${BASE}/${batch.id}/features`, download: `${batch.name}.geojson`, text: say("geojson") }));
  acts.push(make("button", { type: "button", class: "plain", text: say("print"), onclick: () => window.print() }));
  if (state.edits) {
    const file = make("input", { type: "file", id: "corrected", class: "unseen", accept: ".xlsx,.xlsm,.xlsb,.xls,.ods,.csv,.txt,.zip", onchange: () => attempt(() => handIn(file.files[0], { batch: batch.id })) });
    acts.push(make("label", { for: "corrected", class: "button plain", text: say("correct") }), file);
    if (last?.counts) acts.push(make("button", { type: "button", class: "plain", text: say("again"), onclick: () => attempt(async () => { await follow((await ask("POST", `${BASE}/${batch.id}/judgements`)).job); await openBatch(batch.id); }) }));
  }
  return make("div", { class: "acts" }, ...acts);
}

async function openBatch(id) {
  if (Object.keys(state.rules).length === 0) Object.assign(state, await ask("GET", BASE).then(({ rules, may_edit: edits }) => ({ rules, edits })));
  const batch = await ask("GET", `${BASE}/${id}`);
  if (location.hash !== `#${id}`) history.pushState(null, "", `#${id}`);
  state.map?.remove();
  Object.assign(state, { batch, filters: {}, chosen: new Set(), map: null });
  const last = batch.imports.find((one) => one.counts) ?? batch.imports[0];
  const place = make("div", { id: "survey-map", class: "survey-map", role: "region", "aria-label": say("map_label") });
  byId("list").hidden = true;
  byId("batch").hidden = false;
  byId("batch").replaceChildren(make("section", { class: "panel split" }, make("div", {}, ...renderHead(batch, last), renderActs(batch, last)), renderDeliverables(batch)), place, make("section", { class: "panel" }, renderFilters(batch, last), decisionBar(), make("div", { id: "findings", class: "wide", tabindex: "0" })));
  await listFindings();
  const features = await ask("GET", `${BASE}/${id}/features`);
  place.hidden = features.features.length === 0;
  if (!place.hidden) state.map = drawFindings(place, features, (rule) => pick(state.rules[rule]?.title));
}

// --- findings ---

function decisionBar() {
  if (!state.edits) return null;
  const reason = make("input", { id: "reason", maxlength: "1000", placeholder: say("reason"), "aria-label": say("reason") });
  const button = (key, decision) => make("button", { type: "button", id: `do-${decision}`, class: "plain", text: say(key), onclick: () => attempt(() => decide(decision, reason.value)) });
  return make("div", { id: "deciding", class: "deciding", hidden: true }, make("strong", { id: "chosen" }), reason, button("do_accept", "accept"), button("do_waive", "waive"), button("do_reopen", "reopen"));
}

async function decide(decision, reason) {
  await ask("POST", `${BASE}/${state.batch.id}/decisions`, { keys: [...state.chosen], decision, reason });
  await listFindings();
}

function showChosen() {
  const bar = byId("deciding");
  if (bar === null) return;
  bar.hidden = state.chosen.size === 0;
  byId("chosen").textContent = say("chosen", { n: state.chosen.size });
}

function tick(finding) {
  const box = make("input", { type: "checkbox", "aria-label": `${say("select")} ${finding.sheet} ${finding.cell}`, onchange: () => { state.chosen[box.checked ? "add" : "delete"](finding.key); showChosen(); } });
  box.dataset.key = finding.key;
  return box;
}

function renderFinding(finding) {
  const rule = state.rules[finding.rule] ?? {};
  const words = (english ? finding.en : finding.zh) ?? pick(rule.title);
  const decided = finding.decision && finding.decision !== "reopen" ? make("div", { class: `decided ${finding.decision}`, text: `${say(finding.decision)} · ${finding.decided_by}${finding.reason ? ` · ${finding.reason}` : ""}` }) : null;
  const void_ = finding.decision === "waive" && finding.holds === false ? make("div", { class: "small", text: say("changed_since") }) : null;
  const where = finding.geometry ? make("button", { type: "button", class: "plain where", title: say("show"), "aria-label": `${say("show")} ${finding.cell}`, text: "◎", onclick: () => state.map?.show(finding) }) : null;
  const source = make("div", { class: "small", text: rule.unverified ? `${pick(rule.from)} · ${say("unverified")}` : pick(rule.from) });
  const cells = [make("td", {}, make("span", { class: `chip ${finding.severity}`, text: say(finding.severity) })), make("td", {}, `${finding.sheet} `, make("b", { text: finding.cell || say("page") }), where), make("td", { class: "code", text: finding.code }), make("td", {}, make("div", { text: words }), make("div", { class: "small rule", text: pick(rule.title) }), source, decided, void_)];
  if (state.edits) cells.unshift(make("td", { class: "tick" }, tick(finding)));
  return make("tr", {}, ...cells);
}

function makeTable(findings) {
  const all = make("input", { type: "checkbox", "aria-label": say("select_all"), onchange: () => {
    for (const box of byId("findings").querySelectorAll("tbody input")) { box.checked = all.checked; state.chosen[all.checked ? "add" : "delete"](box.dataset.key); }
    showChosen();
  } });
  const heads = ["severity", "cell", "code", "says"].map((key) => make("th", { scope: "col", text: say(key) }));
  if (state.edits) heads.unshift(make("th", { class: "tick" }, all));
  return make("table", { class: "findings" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...findings.map(renderFinding)));
}

async function listFindings(after = 0) {
  const query = new URLSearchParams({ limit: LIMIT, after });
  for (const [key, value] of Object.entries(state.filters)) if (value !== "" && value !== undefined) query.set(key, value);
  const { findings, next } = await ask("GET", `${BASE}/${state.batch.id}/findings?${query}`);
  const place = byId("findings");
  place.querySelector(".more")?.remove();
  if (after === 0) {
    state.chosen.clear();
    showChosen();
    place.replaceChildren(findings.length ? makeTable(findings) : make("p", { class: "muted", text: say("no_findings") }));
  } else {
    place.querySelector("tbody").append(...findings.map(renderFinding));
  }
  if (next !== null) place.append(make("button", { type: "button", class: "plain more", text: say("more"), onclick: () => attempt(() => listFindings(next)) }));
}

// --- the page ---

function route() {
  const id = location.hash.slice(1);
  byId("switch").href = `/surveys?lang=${english ? "zh" : "en"}${location.hash}`;
  attempt(() => (id ? openBatch(id) : showList()));
}

byId("new-file").addEventListener("change", () => {
  const [file] = byId("new-file").files;
  if (file && byId("new-name").value === "") byId("new-name").value = file.name.replace(/\.[^.]+$/, "");
});
byId("new").addEventListener("submit", (event) => {
  event.preventDefault();
  const facts = { name: byId("new-name").value, unit: byId("new-unit").value };
  if (byId("new-claimed").value !== "") facts["claimed-km"] = byId("new-claimed").value;
  attempt(() => handIn(byId("new-file").files[0], facts));
});
window.addEventListener("hashchange", route);
route();
