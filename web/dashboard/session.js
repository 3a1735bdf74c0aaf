// What the page knows of its user: keys, in this tab's session storage alone, so that they end with the tab.

import { say } from "./dom.js";

const OWN = "ferry.credentials";
const OTHER = "ferry.other-side";
const PARTNER = "ferry.partner-address";

// How a caller proves itself: what the page calls it, and the header that carries it.
export const KINDS = {
  "api-key": { label: "API key", header: (secret) => ["x-api-key", secret] },
  "function-key": { label: "Function key", header: (secret) => ["x-functions-key", secret] },
  bearer: { label: "Bearer token (Entra ID)", header: (secret) => ["Authorization", `Bearer ${secret}`] },
};

function read(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? "null");
  } catch {
    return null;
  }
}

function write(name, value) {
  try {
    if (value === null) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    say("This browser keeps nothing for this page: you will have to enter it again after a reload.");
  }
}

// Each is {kind, secret}; the other side's has its origin as well.
export const credentials = { get: () => read(OWN), set: (value) => write(OWN, value) };
export const otherSide = { get: () => read(OTHER), set: (value) => write(OTHER, value) };
export const partnerAddress = { get: () => read(PARTNER) ?? "", set: (value) => write(PARTNER, value) };

export function forget() {
  for (const name of [OWN, OTHER, PARTNER]) write(name, null);
}
