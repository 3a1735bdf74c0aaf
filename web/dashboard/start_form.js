// Starts a transfer from an agreement.

import { pathName } from "./api.js";
import { h, show } from "./dom.js";
import { faultList, field } from "./parts.js";

const RECORD_BASE = "/api/v1/data";

export function startForm(context, { assetId, agreementId }) {
  const managed = h("input", { type: "checkbox", id: "managed", checked: true });
  const container = h("input", {
    id: "container",
    autocomplete: "off",
    maxlength: 63,
    pattern: "[a-z0-9][a-z0-9\\-]{1,61}[a-z0-9]",
  });
  const account = h("input", { id: "account", autocomplete: "off", maxlength: 24, pattern: "[a-z0-9]{3,24}" });
  const trouble = h("div", { "aria-live": "assertive" });
  const go = h("button", { type: "submit", class: "main" }, "Start transfer");
  // One click is one transfer, even if the answer is lost and it is clicked again.
  const repeatKey = crypto.randomUUID?.() ?? String(Math.random());

  managed.onchange = () => (container.required = !managed.checked);

  async function submit(event) {
    event.preventDefault();
    go.disabled = true;
    const told = Object.entries({ account: account.value.trim(), container: container.value.trim() }).filter(
      ([, value]) => value,
    );
    const destination = told.length
      ? { dataDestination: { "@type": "DataAddress", type: "AzureStorage", ...Object.fromEntries(told) } }
      : {};
    const order = { assetId, contractId: agreementId, managedResources: managed.checked, ...destination };
    try {
      const begun = await context.own.post("/transferprocess", order, {
        base: RECORD_BASE,
        headers: { "Idempotency-Key": repeatKey },
      });
      location.hash = `#/transfers/${pathName(begun["@id"] ?? begun.id)}`;
    } catch (error) {
      context.failed(error, (it) => show(trouble, faultList(it)));
    } finally {
      go.disabled = false;
    }
  }

  return h(
    "form",
    { class: "stack", onsubmit: submit },
    h(
      "label",
      { class: "check", for: "managed" },
      managed,
      h("span", {}, "Let Ferry make the container, and delete it when the transfer is deprovisioned"),
    ),
    h(
      "div",
      { class: "fields" },
      field("Account (optional)", account, "Where the data goes; empty: this participant's usual account."),
      field("Container", container, "Needed where Ferry does not make one; otherwise it chooses a name itself."),
    ),
    trouble,
    h("div", {}, go),
  );
}
