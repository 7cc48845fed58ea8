// The outbox as one file the office can import, when no signal ever comes.

const READ_CHUNK = 0x8000;

async function toBase64(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += READ_CHUNK) {
    text += String.fromCharCode(...bytes.subarray(i, i + READ_CHUNK));
  }
  return btoa(text);
}

// Photo by photo, so that only one of them is in memory twice. more: rows that found no room.
export async function exportOutbox(db, account, more = []) {
  const rows = [...(await db.getAll("events")), ...more];
  const device = await db.get("meta", "device");
  const head = { format: "infratrack-outbox/1", device_id: device?.id ?? null, account };
  const parts = [JSON.stringify(head).slice(0, -1), ',"events":', JSON.stringify(rows.map((row) => row.body)), ',"blobs":['];
  const wanted = [...new Set(rows.flatMap((row) => row.evidence.map((one) => one.sha256)))];
  let first = true;
  for (const sha256 of wanted) {
    const kept = await db.get("blobs", sha256);
    if (!kept) continue;
    const entry = { sha256, media: kept.media, base64: await toBase64(kept.bytes) };
    parts.push((first ? "" : ",") + JSON.stringify(entry));
    first = false;
  }
  parts.push("]}");
  return new Blob(parts, { type: "application/json" });
}

export function saveOutbox(blob) {
  saveFile(blob, `infratrack-outbox-${new Date().toISOString().slice(0, 16).replace(/[-:T]/g, "")}.json`);
}

function saveFile(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
