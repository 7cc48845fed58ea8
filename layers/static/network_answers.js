// Questions to the server about the network; what it refuses is said in its own words.

import { currentLanguage } from "./i18n.js";

export function networkAddress(name, asked) {
  const url = new URL(`/network/${name}`, document.baseURI);
  for (const [key, value] of Object.entries(asked)) if (value) url.searchParams.set(key, value);
  url.searchParams.set("lang", currentLanguage());
  return url;
}

export const readAnswer = async (path) => (await fetchAnswer(new URL(path, document.baseURI))).json();

export async function fetchAnswer(url) {
  const answer = await fetch(url, { cache: "no-cache" });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Error([problem.title, problem.detail].filter(Boolean).join(currentLanguage() === "en" ? ": " : ":"));
}

export const askNetwork = async (name, asked) => (await fetchAnswer(networkAddress(name, asked))).json();
