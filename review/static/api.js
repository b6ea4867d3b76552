// Asking the server: an answer, a refusal that says why, or nobody there.

/** The server has answered, and it says no: `kind` says in a word why, `message` in a sentence. */
export class Refused extends Error {
  constructor(status, data) {
    super([data.message, data.mend].filter(Boolean).join(" ") || `The server answered ${status}.`);
    this.status = status;
    this.kind = data.error ?? "refused";
    this.data = data;
  }
}

/** No answer came, or one that may be another the next time: try again. */
export class Away extends Error {}

export const csrf = () => document.querySelector('meta[name="csrf"]').content;

/** Fields as a form sends them; a list gives a field for each of its values. */
export function form(fields) {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined) body.append(name, String(one));
    }
  }
  return body;
}

async function ask(method, url, options) {
  let response;
  try {
    response = await fetch(url, {
      method,
      headers: { Accept: "application/json", "X-CSRF-Token": csrf() },
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(20_000),
      ...options,
    });
  } catch {
    throw new Away("The server does not answer.");
  }
  if (response.status >= 500 || response.status === 429) {
    throw new Away(response.status === 503 ? "The server is not ready." : "The server failed.");
  }
  if (response.status === 204) return {};
  let data;
  try {
    data = await response.json();
  } catch {
    throw new Away("The answer broke off.");
  }
  if (!response.ok) throw new Refused(response.status, data);
  return data;
}

export const get = (url) => ask("GET", url, {});

/** A request that goes on when the page is left. */
export const post = (url, fields) => ask("POST", url, { body: form(fields), keepalive: true });
