// Sends what the outbox holds: records first, as they were kept; then their photos; then each
// record once more, so that the server itself says that nothing of it is missing. Whatever goes
// wrong leaves the record where it is.

import { LoginNeededError, isHard, problemWords, readProblem } from "./answers.js";
import { acknowledge, noteProblem } from "./outbox.js";
import { tellChange } from "./store.js";
import { UPLOAD_LATER, uploadBlob } from "./upload.js";

const BATCH_EVENTS = 50;
const BATCH_BYTES = 400_000;
const TIMEOUT_MS = 60_000;
const GLANCE_MS = 10_000;
const REST_MS = 60_000;
const LONGEST_REST_MS = 600_000;
// One at a time over all tabs; two at once would be harmless, only wasteful.
async function alone(work) {
  if (!navigator.locks) return work();
  return navigator.locks.request("infratrack-field-send", { ifAvailable: true }, (lock) => (lock ? work() : "busy"));
}

export class Sender {
  constructor({ db, tokenOf, onLoginNeeded, onReached }) {
    Object.assign(this, { db, tokenOf, onLoginNeeded, onReached });
    this.state = "idle";
    this.rest = REST_MS;
    this.timer = null;
    this.running = null;
    this.asked = false;
    this.tried = 0;
  }

  // On every occasion: opening, signal, coming back to the page, the minute, the button.
  start() {
    addEventListener("online", () => this.now());
    addEventListener("pageshow", () => this.now());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.now());
    return this.now();
  }

  // Also while a pass is under way: what was recorded since it began goes with one more.
  now() {
    this.rest = REST_MS;
    this.asked = true;
    return this.pass();
  }

  // On the way to another screen: phones do not always say that the signal is back.
  glance() {
    if (Date.now() - this.tried > GLANCE_MS) this.pass();
  }

  pass() {
    this.running ??= this.#passWhileAsked();
    return this.running;
  }

  async #passWhileAsked() {
    let result;
    try {
      do {
        this.asked = false;
        result = await this.#passOnce();
      } while (this.asked);
    } finally {
      this.running = null; // at once: whoever asks from here on begins anew
    }
    return result;
  }

  async #passOnce() {
    clearTimeout(this.timer);
    this.tried = Date.now();
    this.#show("sending");
    let result;
    try {
      result = await alone(() => this.#sendAll());
    } catch (error) {
      result = error instanceof LoginNeededError ? "login" : "offline";
    }
    const again = result === "offline" || result === "later";
    this.timer = setTimeout(() => this.pass(), this.rest);
    this.rest = again ? Math.min(this.rest * 2, LONGEST_REST_MS) : REST_MS;
    this.#show(result === "busy" ? "sending" : result);
    tellChange();
    return result;
  }

  #show(state) {
    this.state = state;
    tellChange();
  }

  async #sendAll() {
    const every = await this.db.getAll("events");
    const rows = every.filter((row) => row.status !== "attention");
    let result = "idle";
    for (const account of new Set(rows.map((row) => row.account))) {
      const own = rows.filter((row) => row.account === account);
      const token = await this.tokenOf(account);
      if (!token) {
        this.onLoginNeeded(account);
        result = "login";
        continue;
      }
      try {
        await this.#sendRecords(own.filter((row) => row.status === "waiting"), token);
        if ((await this.#sendPhotos(account, token)) === UPLOAD_LATER) result = "later";
      } catch (error) {
        this.#giveUp(error, account);
        result = "login";
      }
    }
    await this.#announce(every);
    const left = (await this.db.getAll("events")).some((row) => row.status === "waiting");
    return result === "idle" && left ? "later" : result;
  }

  // Each batch says how many numbers this phone has given. Where nothing can go by itself it is said
  // all the same, once: the office then knows what it lacks.
  async #announce(rows) {
    const device = await this.db.get("meta", "device");
    if (((await this.db.get("meta", "announced")) ?? 0) >= (device?.seq ?? 0)) return;
    for (const account of new Set(rows.map((row) => row.account))) {
      const token = await this.tokenOf(account);
      const response = token && (await this.#ask("POST", "/sync", token, await this.#wrap([])).catch((error) => this.#giveUp(error, account)));
      if (response?.ok) return this.db.put("meta", device.seq, "announced");
    }
  }

  #giveUp(error, account) {
    if (!(error instanceof LoginNeededError)) throw error;
    this.onLoginNeeded(account);
  }

  async #sendRecords(rows, token) {
    for (const batch of splitBatches(rows)) {
      const { seq } = await this.db.get("meta", "device");
      const response = await this.#ask("POST", "/sync", token, await this.#wrap(batch));
      if (response.ok) {
        await this.db.put("meta", seq, "announced");
        // A Wi-Fi's own login page also answers 200: only what repeats id and hash counts.
        const { results = [] } = await response.json();
        for (const row of batch) await this.#settle(row, results.find((one) => one.id === row.id || one.sha256 === row.sha256));
      } else if (isHard(response.status) || response.status === 413) {
        // Something in the batch is not liked: each by itself, so that one stops no other.
        for (const row of batch) await this.#putRecord(row, token);
      } else await this.#postpone(batch, response);
      tellChange();
    }
  }

  async #wrap(batch) {
    const device = await this.db.get("meta", "device");
    return JSON.stringify({
      client_now: new Date().toISOString(),
      device_id: device.id,
      highest: device.seq,
      events: batch.map((row) => row.body),
    });
  }

  async #settle(row, result) {
    if (!result) return;
    if (result.problem) {
      const { status } = result.problem;
      await noteProblem(this.db, row.seq, { status, words: problemWords(result.problem) }, { hard: isHard(status) });
    } else if (!(await acknowledge(this.db, row, result))) {
      await noteProblem(this.db, row.seq, { status: 0, words: null, mismatch: true }, { hard: false });
    }
  }

  async #putRecord(row, token) {
    const response = await this.#ask("PUT", `/events/${row.id}`, token, row.body);
    if (response.ok) return this.#settle(row, await response.json());
    if (response.status >= 500) return this.#postpone([row], response);
    const problem = await readProblem(response);
    return noteProblem(this.db, row.seq, problem, { hard: isHard(response.status) });
  }

  async #postpone(batch, response) {
    const problem = await readProblem(response);
    for (const row of batch) await noteProblem(this.db, row.seq, problem, { hard: false });
    const wait = Number(response.headers.get("Retry-After"));
    if (wait > 0) this.rest = Math.min(wait * 1000, LONGEST_REST_MS);
  }

  async #sendPhotos(account, token) {
    const held = (await this.db.getAll("events")).filter((row) => row.status === "held" && row.account === account);
    let result = null;
    for (const row of held) {
      let all = true;
      for (const sha256 of row.missing) {
        const outcome = await uploadBlob(this.db, row, sha256, token);
        if (outcome !== null) all = false;
        if (outcome === UPLOAD_LATER) result = UPLOAD_LATER;
        tellChange();
      }
      if (all) await this.#putRecord(row, token);
    }
    return result;
  }

  async #ask(method, path, token, body) {
    const response = await fetch(path, {
      method,
      body,
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout?.(TIMEOUT_MS),
      headers: {
        Authorization: `Bearer ${token}`,
        "Content-Type": "application/json",
        "Client-Now": new Date().toISOString(),
      },
    });
    if (response.status === 401 || response.status === 403) throw new LoginNeededError();
    if (response.ok) await this.onReached();
    return response;
  }
}

export function splitBatches(rows) {
  const batches = [];
  let bytes = Infinity;
  for (const row of rows) {
    const size = row.body.length * 3; // at most three bytes of UTF-8 for each unit
    if (bytes + size > BATCH_BYTES || batches.at(-1).length >= BATCH_EVENTS) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1).push(row);
    bytes += size;
  }
  return batches;
}
