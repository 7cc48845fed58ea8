// One photo to the server, in pieces that resume where the signal broke off (tus 1.0.0).

import { LoginNeededError, problemWords } from "./answers.js";
import { noteProblem } from "./outbox.js";
import { STRICT } from "./store.js";

export const UPLOAD_LATER = "later";
export const UPLOAD_STUCK = "stuck";
const CHUNK_BYTES = 512 * 1024;

// null: the server has every byte. The record itself tells why not, where it will not go by itself.
export async function uploadBlob(db, row, sha256, token) {
  const kept = await db.get("blobs", sha256);
  if (!kept) {
    await noteProblem(db, row.seq, { status: 0, words: null, lost: sha256 }, { hard: false });
    return UPLOAD_STUCK;
  }
  if (kept.done) return null;
  try {
    await sendPieces(db, row, kept, token);
  } catch (error) {
    return judgeFailure(db, row, error);
  }
  await change(db, sha256, { done: true });
  return null;
}

function sendPieces(db, row, kept, token) {
  return new Promise((resolve, reject) => {
    const upload = new self.tus.Upload(kept.bytes, {
      endpoint: "/uploads",
      uploadUrl: kept.upload,
      chunkSize: CHUNK_BYTES,
      retryDelays: [1000, 3000],
      storeFingerprintForResuming: false,
      headers: { Authorization: `Bearer ${token}` },
      metadata: { sha256: kept.sha256, media: kept.media, event: row.id },
      onUploadUrlAvailable: () => void change(db, kept.sha256, { upload: upload.url }),
      onShouldRetry: (error) => {
        const status = error.originalResponse?.getStatus() ?? 0;
        return status !== 401 && status !== 403 && (status === 0 || status >= 500 || status === 423) && navigator.onLine;
      },
      onSuccess: resolve,
      onError: reject,
    });
    upload.start();
  });
}

async function judgeFailure(db, row, error) {
  const response = error.originalResponse;
  const status = response?.getStatus() ?? 0;
  if (status === 401 || status === 403) throw new LoginNeededError();
  if (status < 400 || status >= 500 || [404, 408, 409, 410, 423, 425, 429].includes(status)) return UPLOAD_LATER;
  let problem = {};
  try {
    problem = JSON.parse(response.getBody());
  } catch {
    // An answer without words: the status has to do.
  }
  await noteProblem(db, row.seq, { status, words: problemWords(problem), photo: true }, { hard: false });
  return UPLOAD_STUCK;
}

async function change(db, sha256, part) {
  const tx = db.transaction("blobs", "readwrite", STRICT);
  const kept = await tx.store.get(sha256);
  if (kept) await tx.store.put({ ...kept, ...part });
  await tx.done;
}
