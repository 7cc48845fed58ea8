// How the server's answers are read: whose fault a refusal is, and its words.

export class LoginNeededError extends Error {}

// 401 and 403 are about the login, 408 to 429 about the moment or the way: not about the record.
const SOFT = new Set([401, 403, 404, 405, 408, 413, 423, 425, 429]);

export const isHard = (status) => status >= 400 && status < 500 && !SOFT.has(status);

export async function readProblem(response) {
  const problem = await response.json().catch(() => ({}));
  return { status: response.status, words: problemWords(problem), needs: problem.needs ?? [] };
}

// A {zh, en} pair where the server gives both, else its text in the language it was asked in.
export function problemWords(problem) {
  const pair = problem?.reason ?? problem;
  if (pair?.zh) return { zh: pair.zh, en: pair.en };
  return problem?.detail || problem?.title || null;
}
