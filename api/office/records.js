// Records the office makes, exactly as a phone makes them: an envelope whose bytes are hashed,
// numbered without gaps in a chain of this browser's for this account.

import { RefusedError, ask, authorize } from "./ask.js";
import { sha256Text } from "./sha256.js";
import { makeUuid7 } from "./uuid7.js";

const chainKey = (account) => `infratrack-chain-${account}`;

function makeDeviceId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = 0x40 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

function readChain(account) {
  return JSON.parse(localStorage.getItem(chainKey(account)) ?? "null") ?? { device: makeDeviceId(), seq: 0, prev: null, pending: null };
}

const keepChain = (account, chain) => localStorage.setItem(chainKey(account), JSON.stringify(chain));

let queue = Promise.resolve();

// One record at a time, over all tabs of this browser: two would take the same number.
function alone(account, work) {
  if (navigator.locks) return navigator.locks.request(chainKey(account), work);
  const mine = queue.then(work);
  queue = mine.catch(() => {});
  return mine;
}

// members: the envelope without what every record has. Gives the server's receipt.
export function sendRecord(account, members) {
  return alone(account, async () => {
    const chain = readChain(account);
    if (chain.pending) await sendPending(account, chain);
    const id = makeUuid7();
    const device = { id: chain.device, seq: chain.seq + 1, at: new Date().toISOString() };
    const body = JSON.stringify({ id, account, ...members, device, prev_hash: chain.prev });
    chain.pending = { id, body };
    keepChain(account, chain);
    return sendPending(account, chain);
  });
}

// What could not be sent when it was made; null: there was nothing.
export function sendKept(account) {
  return alone(account, async () => {
    const chain = readChain(account);
    return chain.pending ? sendPending(account, chain) : null;
  });
}

async function sendPending(account, chain) {
  const { id, body } = chain.pending;
  let receipt;
  try {
    receipt = await ask(`/events/${id}`, { method: "PUT", body, headers: { "Content-Type": "application/json", "Client-Now": new Date().toISOString() } });
  } catch (error) {
    // Nothing of it was stored: its number is free again. Anything else leaves it as it is.
    if ([400, 403, 413, 415].includes(error.status)) keepChain(account, Object.assign(chain, { pending: null }));
    throw error;
  }
  const hash = sha256Text(body);
  // A gateway's own page may also answer 200: only what repeats id and hash counts.
  if (receipt?.id !== id || receipt.sha256 !== hash) throw new RefusedError(0, "");
  keepChain(account, Object.assign(chain, { seq: chain.seq + 1, prev: hash, pending: null }));
  return receipt;
}

export function uploadPhoto(photo) {
  return new Promise((resolve, reject) => {
    new self.tus.Upload(photo.bytes, {
      endpoint: "/uploads",
      chunkSize: 1024 * 1024,
      retryDelays: [500, 2000, 5000],
      storeFingerprintForResuming: false,
      headers: authorize(),
      metadata: { sha256: photo.sha256, media: photo.media },
      onSuccess: resolve,
      onError: (error) => reject(readFailure(error)),
    }).start();
  });
}

function readFailure(error) {
  const response = error.originalResponse;
  try {
    return new RefusedError(response.getStatus(), JSON.parse(response.getBody()).detail);
  } catch {
    return new RefusedError(response?.getStatus() ?? 0, "");
  }
}
