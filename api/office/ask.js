// Questions to the server. What goes wrong comes back as words a person understands.

import { currentLanguage, pick, say } from "./words.js";

export class RefusedError extends Error {
  constructor(status, words, problem = {}) {
    super(words);
    this.status = status;
    this.problem = problem;
  }
}

let bearer = null;

// A duty holder's page asks with its link's token; the office's with the browser's session.
export function useToken(token) {
  bearer = token;
}

export function authorize(headers = {}) {
  const own = bearer ? { Authorization: `Bearer ${bearer}` } : { "X-Infratrack": "1" };
  return { ...own, "Accept-Language": currentLanguage(), ...headers };
}

export async function ask(path, { method = "GET", json, body, headers = {} } = {}) {
  const more = json === undefined ? headers : { "Content-Type": "application/json", ...headers };
  const options = { method, cache: "no-store", headers: authorize(more), body: json === undefined ? body : JSON.stringify(json) };
  if (bearer) options.credentials = "omit";
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new RefusedError(0, say("unreachable"));
  }
  if (!answer.ok) throw await readRefusal(answer);
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

async function readRefusal(answer) {
  const problem = await answer.json().catch(() => ({}));
  const words = problem.detail ?? pick(problem.zh ? problem : null) ?? "";
  return new RefusedError(answer.status, words || problem.title || `HTTP ${answer.status}`, problem);
}

export async function fetchBlob(path) {
  const answer = await fetch(path, { headers: authorize(), credentials: bearer ? "omit" : "same-origin" });
  // 202: it is being made, and these are words about that.
  if (answer.status !== 200) throw new RefusedError(answer.status, "");
  return answer.blob();
}
