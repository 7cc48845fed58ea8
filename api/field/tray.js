// The outbox, for everybody to see: what the server has, what waits and why.

import { make } from "./dom.js";
import { exportOutbox, saveOutbox } from "./export.js";
import { readHanded } from "./handed.js";
import { tryAgain } from "./outbox.js";
import { tellChange } from "./store.js";
import { badge, button, card, eventWord, factLine, icon, toast } from "./ui.js";
import { formatBytes, formatMoment, pick, say } from "./words.js";

const SHOWN_RECEIVED = 20;

export async function showTray(app) {
  const list = make("div", { class: "stack" });
  const head = make("div", {});
  const fill = async () => {
    head.replaceChildren(await trayHead(app));
    list.replaceChildren(...(await trayLists(app)));
  };
  await fill();
  document.addEventListener("outbox-changed", fill);
  const save = button(say("export"), async () => {
    saveOutbox(await exportOutbox(app.db, app.account.id, readHanded().flatMap((one) => one.rows)));
  }, { kind: "wide", glyph: "file" });
  const body = [head, list, make("section", { class: "stack export" }, save, make("p", { class: "hint", text: say("export_hint") }))];
  return { title: say("outbox_title"), tabs: true, body, leave: () => document.removeEventListener("outbox-changed", fill) };
}

async function trayHead(app) {
  const { counts, sender, contact } = app;
  const whole = counts.received === counts.recorded && !counts.photos;
  const words = { sending: whole ? "" : say("sending"), offline: say("send_offline"), later: say("send_later"), login: say("send_login") }[sender.state] ?? "";
  const server = await app.db.get("meta", "received_of_device");
  const short = server && whole && server.count < counts.received ? say("short_by", { n: server.count }) : null;
  const big = counts.recorded === 0 ? say("outbox_nothing") : say("received_sentence", { n: counts.received, total: counts.recorded });
  const again = button(say("send_now"), () => app.sender.now(), { kind: "primary", glyph: "again", disabled: sender.state === "sending" });
  return make(
    "div",
    { class: `head tray ${whole ? "is-whole" : ""}` },
    make("p", { class: "big", text: big }),
    make("progress", { class: "meter", max: String(Math.max(1, counts.recorded)), value: String(counts.recorded ? counts.received : 1), "aria-label": big }),
    make("p", { role: "status" }, factLine([counts.photos ? say("photos_left", { n: counts.photos }) : whole && counts.recorded ? say("outbox_empty") : "", words, contact ? say("last_contact", { date: formatMoment(contact) }) : ""])),
    short ? make("p", { class: "note bad", text: short }) : null,
    whole ? null : again,
  );
}

async function trayLists(app) {
  const rows = await app.db.getAll("events");
  const received = (await app.db.getAll("received")).sort((a, b) => b.seq - a.seq);
  const held = new Set(rows.map((row) => row.id));
  const groups = [
    ["attention_list", rows.filter((row) => row.status === "attention"), (row) => waitingCard(app, row)],
    ["refused_list", received.filter((one) => one.outcome === "refused" && !one.read), (one) => refusedCard(app, one)],
    ["waiting_list", rows.filter((row) => row.status !== "attention"), (row) => waitingCard(app, row)],
    ["received_list", received.filter((one) => one.read && !held.has(one.id)).slice(0, SHOWN_RECEIVED), receivedRow],
  ];
  return groups.flatMap(([title, ones, show]) => (ones.length ? [make("h2", { text: say(title) }), ...ones.map(show)] : []));
}

const describe = ({ type, shown }) => [eventWord(type), pick(shown.what) || shown.description || shown.asset].filter(Boolean).join(" · ");

function recordHead(one) {
  return make("div", { class: "card-text" }, make("strong", { text: describe(one) }), factLine([`#${one.seq}`, one.shown.code, formatMoment(one.saved_at)]));
}

function waitingCard(app, row) {
  const photos = row.missing ?? row.evidence.map((one) => one.sha256);
  const size = row.evidence.filter((one) => photos.includes(one.sha256)).reduce((sum, one) => sum + one.bytes, row.status === "held" ? 0 : row.body.length);
  const hard = row.status === "attention";
  return card(
    { kind: hard ? "bad" : "" },
    recordHead(row),
    make("span", { class: "badges" }, hard ? null : badge(say(`status_${row.status}`), row.status === "held" ? "good" : "plain"), photos.length ? badge(say("photos_left", { n: photos.length }), "plain") : null, badge(formatBytes(size), "plain")),
    row.problem ? make("p", { class: hard ? "" : "soft", text: problemText(row.problem) }) : null,
    hard
      ? button(say("try_again"), async () => {
          await tryAgain(app.db, row.seq);
          app.sender.now();
        }, { kind: "small", glyph: "again" })
      : null,
  );
}

function problemText({ status, words, mismatch, lost }) {
  if (mismatch) return say("problem_mismatch");
  if (lost) return say("problem_lost");
  return words ? say("problem_words", { words: pick(words) }) : say("problem_status", { n: status });
}

function refusedCard(app, one) {
  const read = button(say("understood"), async () => {
    await app.db.put("received", { ...one, read: true });
    tellChange();
    toast(say("understood"));
  }, { kind: "small" });
  return card({ kind: "bad" }, recordHead(one), make("p", { text: pick(one.reason) }), read);
}

function receivedRow(one) {
  const kind = { applied: "good", refused: "bad" }[one.outcome] ?? "plain";
  return make("div", { class: "received" }, icon(one.outcome === "refused" ? "cross" : "check"), recordHead(one), badge(say(`outcome_${["applied", "waiting", "refused"].includes(one.outcome) ? one.outcome : "waiting"}`), kind));
}
