// A hazard that was decided on is kept, and said to be.

import { saveHazard } from "./record.js";
import { toast } from "./ui.js";
import { say } from "./words.js";

export async function keepHazard(app, draft, finding, decision, save) {
  save.disabled = true;
  try {
    const code = await saveHazard(app, draft, finding, decision);
    if (!code) return;
    toast(`${say("hazard_saved", { code })} · ${say("saved_waiting")}`, "good");
    app.go(`visit/${draft.id}`, { replace: true });
  } finally {
    save.disabled = false;
  }
}
