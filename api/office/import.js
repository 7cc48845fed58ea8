// An outbox a phone exported, handed in by the office; what became of each record.

import { ask } from "./ask.js";
import { make } from "./dom.js";
import { complain, openDialog, toast, word } from "./parts.js";
import { pick, say } from "./words.js";

export function openImport(done) {
  const input = make("input", { type: "file", accept: "application/json,.json", onchange: () => input.files[0] && send(input.files[0], done) });
  input.click();
}

async function send(file, done) {
  toast(say("sending"));
  try {
    const answer = await ask("/sync/import", { method: "POST", body: file, headers: { "Content-Type": "application/json" } });
    showResults(answer);
    done();
  } catch (error) {
    complain(error);
  }
}

function showResults({ results, files }) {
  const count = (test) => results.filter(test).length;
  const summary = say("import_done", {
    n: results.length,
    new: count((one) => one.outcome === "applied"),
    waiting: count((one) => one.outcome === "waiting"),
    refused: count((one) => one.outcome === "refused"),
    bad: count((one) => one.problem),
    files: files.length,
    damaged: files.filter((one) => !one.stored).length,
  });
  const told = [
    ...results.filter((one) => one.problem || one.reason).map((one) => [one.id ?? one.sha256.slice(0, 12), pick(one.problem ?? one.reason)]),
    ...files.filter((one) => one.problem).map((one) => [`${word("evidence", "other")} ${one.sha256.slice(0, 12)}`, pick(one.problem)]),
  ];
  openDialog(say("import"), make("div", { class: "import-results" },
    make("p", { text: summary }),
    make("ul", {}, ...told.map(([name, why]) => make("li", {}, make("code", { text: name }), make("span", { text: why }))))));
}
