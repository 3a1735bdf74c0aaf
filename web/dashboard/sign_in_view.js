// Where the user enters the key or token that the API asks for. It stays in this tab.

import { ApiError, Participant } from "./api.js";
import { h, show } from "./dom.js";
import { faultList, field, title } from "./parts.js";
import { KINDS, credentials } from "./session.js";

const KIND_OF_AUTH = { "api-key": "api-key", "function-key": "function-key", entra: "bearer" };

export function kindField(id, chosen) {
  const options = Object.entries(KINDS).map(([value, { label }]) => h("option", { value }, label));
  return field("Sign in with", h("select", { id, value: chosen }, options));
}

export const secretInput = (id) =>
  h("input", { id, type: "password", autocomplete: "off", spellcheck: "false", required: true });

export function signInView(host, context, reason = "") {
  const kind = kindField("kind", KIND_OF_AUTH[context.config.managementAuth] ?? "api-key");
  const secret = secretInput("secret");
  const trouble = h("div", { role: "alert" }, reason && h("p", { class: "notice pause" }, reason));
  const go = h("button", { type: "submit", class: "main" }, "Sign in");

  async function submit(event) {
    event.preventDefault();
    go.disabled = true;
    const given = { kind: kind.querySelector("select").value, secret: secret.value.trim() };
    try {
      await new Participant(given).page("/transferprocesses/request", { limit: 1 });
      credentials.set(given);
      context.enter();
    } catch (error) {
      const refused = error.status === 401 || error.status === 403;
      const told = refused
        ? new ApiError(error.status, ["The app does not accept this. Is it the right one, for this app?"])
        : error;
      show(trouble, faultList(told));
      secret.focus();
    } finally {
      go.disabled = false;
    }
  }

  const form = h(
    "form",
    { class: "stack", onsubmit: submit },
    kind,
    field("Key or token", secret, "It is kept in this tab until you close it or sign out, and sent to this app alone."),
    trouble,
    h("div", {}, go),
  );
  show(
    host,
    h("div", { class: "stack narrow", "data-keep": "sign-in" }, title("Sign in"), h("div", { class: "card" }, form)),
  );
  return { stop() {} };
}
