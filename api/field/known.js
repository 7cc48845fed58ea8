// The hazards this phone knows of: those of the day, and those it recorded that no answer of the
// office speaks of yet. This is what "already open here" is asked of, with or without a signal.

export async function listHazards(app) {
  const received = await app.db.getAll("received");
  const rows = [...received, ...(await app.db.getAll("events"))];
  const known = new Set(app.day.hazards.map((hazard) => hazard.id));
  const receivedAt = new Map(received.map((row) => [row.id, row.received_at]));
  const answered = (row) => receivedAt.has(row.id) && receivedAt.get(row.id) < (app.day.asked_at ?? "");
  const recorded = rows.filter((row) => row.type === "found" && !known.has(row.hazard_id) && row.outcome !== "refused" && !answered(row));
  const own = new Map(recorded.map((row) => [row.hazard_id, fromRow(row, rows, receivedAt.has(row.id))]));
  return [...app.day.hazards.filter((hazard) => hazard.is_open !== false), ...own.values()];
}

function fromRow(row, rows, isReceived) {
  const fixed = rows.some((one) => one.hazard_id === row.hazard_id && one.type === "fixed_on_spot");
  const { code, category, item, description, severity } = row.shown;
  return { id: row.hazard_id, code, category, item, description, severity, state: fixed ? "fixed_on_spot" : "found", asset_id: row.asset_id, version: null, allowed: ["commented"], local: isReceived ? "received" : "waiting" };
}

export async function findSame(app, assetId, item) {
  if (!assetId || !item) return null;
  return (await listHazards(app)).find((hazard) => hazard.asset_id === assetId && hazard.item === item) ?? null;
}

// What was recorded on a hazard here and is not in the day's data yet, oldest first.
export async function listPending(app, hazardId) {
  return (await app.db.getAll("events")).filter((row) => row.hazard_id === hazardId && row.type !== "visited");
}
