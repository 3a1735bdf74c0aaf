// Asks a participant's management API, version 3, with the key or token that the user has entered.

import { KINDS } from "./session.js";

const BASE = "/api/management/v3";
const TIMEOUT_MS = 30_000;
const CONTEXT = { "@vocab": "https://w3id.org/edc/v0.0.1/ns/" };

export const PROTOCOL = "dataspace-protocol-http:2025-1";

// A request that was refused, or not answered at all (`status` 0); `faults` has every reason that was given.
export class ApiError extends Error {
  constructor(status, faults) {
    super(faults.join("; "));
    this.status = status;
    this.faults = faults;
  }
}

export class Participant {
  // `origin` empty: the app that serves this page.
  constructor(credentials, origin = "") {
    this.credentials = credentials;
    this.origin = origin;
  }

  async get(path, options) {
    return (await this.#ask("GET", path, undefined, options)).body;
  }

  async post(path, body = {}, options) {
    return (await this.#ask("POST", path, { "@context": CONTEXT, ...body }, options)).body;
  }

  // A page of a list, and the cursor of the next one (null: this is the last).
  async page(path, query, cursor, options) {
    const where = cursor ? `${path}?cursor=${encodeURIComponent(cursor)}` : path;
    const { body, link } = await this.#ask("POST", where, { "@context": CONTEXT, ...query }, options);
    const next = /<\?cursor=([^>]*)>;\s*rel="next"/.exec(link ?? "");
    return { items: Array.isArray(body) ? body : [], next: next ? decodeURIComponent(next[1]) : null };
  }

  async #ask(method, path, body, { signal, base = BASE, headers: more = {} } = {}) {
    const [name, value] = KINDS[this.credentials.kind].header(this.credentials.secret);
    const headers = { Accept: "application/json", [name]: value, ...more };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    let answer;
    try {
      answer = await fetch(this.origin + base + path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
        credentials: this.origin ? "omit" : "same-origin",
        redirect: "error",
        cache: "no-store",
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiError(0, [unanswered(this.origin, error)]);
    }
    const told = await jsonOf(answer);
    if (!answer.ok) throw new ApiError(answer.status, faultsOf(answer, told));
    return { body: told, link: answer.headers.get("Link") };
  }
}

function unanswered(origin, error) {
  const who = origin || "The app";
  if (error.name === "TimeoutError") return `${who} has not answered within ${TIMEOUT_MS / 1000} s.`;
  return origin
    ? `${who} does not answer, or does not let this page ask it.`
    : "The app does not answer. Is the network there?";
}

async function jsonOf(answer) {
  const text = await answer.text();
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function faultsOf(answer, told) {
  const faults = (Array.isArray(told) ? told : told ? [told] : []).map((fault) => String(fault?.message ?? ""));
  const said = faults.filter(Boolean);
  return said.length ? said : [`The request was answered ${answer.status} ${answer.statusText}`.trim()];
}

// What the app says of itself to everybody: who it is, its roles, how it is managed, whom the page may ask beside it.
export async function readConfig() {
  const answer = await fetch("/api/dashboard/config.json", { cache: "no-store" });
  if (!answer.ok) throw new ApiError(answer.status, [`config.json was answered ${answer.status}`]);
  return answer.json();
}

// A name in a path, whatever letters it has.
export const pathName = (name) => encodeURIComponent(name);
