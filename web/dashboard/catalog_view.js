// A partner's catalog, and the first step towards a contract: one click on an offer.

import { PROTOCOL, pathName } from "./api.js";
import { h, show, theirs } from "./dom.js";
import { empty, faultList, field, loading, title } from "./parts.js";
import { partnerAddress } from "./session.js";

const PAGE = 25;
const ODRL = "http://www.w3.org/ns/odrl.jsonld";
const EDC = { "@vocab": "https://w3id.org/edc/v0.0.1/ns/" };

export function catalogView(host, context) {
  const found = h("div", { class: "card flush" });
  const address = h("input", {
    id: "address",
    type: "url",
    required: true,
    spellcheck: "false",
    value: partnerAddress.get(),
    placeholder: "https://provider.example.org/api/dsp/2025-1",
  });
  const go = h("button", { type: "submit", class: "main" }, "Show catalog");
  const hint = "The partner's base of the Dataspace Protocol. This app asks it; your browser does not.";

  async function ask(event, offset = 0) {
    event?.preventDefault();
    const partner = address.value.trim();
    partnerAddress.set(partner);
    go.disabled = true;
    show(found, loading("the catalog"));
    try {
      const body = { counterPartyAddress: partner, protocol: PROTOCOL, querySpec: { offset, limit: PAGE } };
      const catalog = await context.own.post("/catalog/request", body);
      show(found, shown(catalog, { partner, offset, host, context, ask }));
    } catch (error) {
      context.failed(error, (it) => show(found, faultList(it)));
    } finally {
      go.disabled = false;
    }
  }

  const form = h("form", { class: "stack", onsubmit: ask }, field("Partner", address, hint), h("div", {}, go));
  show(found, empty("No catalog yet", "Enter a partner's address to see what it offers you."));
  show(
    host,
    h(
      "div",
      { class: "stack" },
      title("Catalog"),
      h("div", { class: "card" }, form),
      h("section", { "aria-label": "Offers" }, found),
    ),
  );
  if (address.value) ask();
  return { stop() {} };
}

function shown(catalog, { partner, offset, context, ask }) {
  const datasets = asList(catalog.dataset);
  const more = datasets.length >= PAGE;
  if (!datasets.length)
    return empty("Nothing is offered to you", "The partner answered, with no offer that you may see.");
  const offers = datasets.flatMap((dataset) =>
    asList(dataset.hasPolicy).map((policy) => offer({ dataset, policy, catalog, partner, context })),
  );
  return [
    h("ul", { class: "offers" }, offers),
    offset || more
      ? h(
          "div",
          { class: "row card" },
          offset
            ? h("button", { type: "button", onclick: () => ask(null, Math.max(0, offset - PAGE)) }, "Previous")
            : null,
          more ? h("button", { type: "button", onclick: () => ask(null, offset + PAGE) }, "Next") : null,
        )
      : null,
  ];
}

export const asList = (value) => (value === null || value === undefined ? [] : Array.isArray(value) ? value : [value]);

function offer({ dataset, policy, catalog, partner, context }) {
  const id = dataset["@id"];
  const name = dataset["edc:name"] ?? dataset.name ?? id;
  const trouble = h("div", { "aria-live": "assertive" });
  const go = h(
    "button",
    { type: "button", onclick: negotiate },
    "Negotiate",
    h("span", { class: "unseen" }, " ", theirs(name)),
  );

  async function negotiate() {
    go.disabled = true;
    try {
      const body = {
        "@context": [EDC, ODRL],
        counterPartyAddress: partner,
        protocol: PROTOCOL,
        policy: { ...policy, assigner: catalog.participantId, target: id },
      };
      const begun = await context.own.post("/contractnegotiations", body);
      location.hash = `#/negotiations/${pathName(begun["@id"])}`;
    } catch (error) {
      context.failed(error, (it) => show(trouble, faultList(it)));
    } finally {
      go.disabled = false;
    }
  }

  const formats = [
    ...new Set(
      asList(dataset.distribution)
        .map((it) => it?.format)
        .filter(Boolean),
    ),
  ].map(String);
  return h(
    "li",
    {},
    h(
      "div",
      {},
      h("h2", {}, theirs(name)),
      h("p", { class: "muted mono" }, theirs(id)),
      h(
        "p",
        { class: "small" },
        h("span", { class: "muted" }, "Terms: "),
        theirs(termsOf(policy)),
        formats.length ? [h("span", { class: "muted" }, " · Formats: "), theirs(formats.join(", "))] : null,
      ),
      trouble,
    ),
    go,
  );
}

// The rules of a policy in a line; whatever it cannot say in words it shows as it was sent.
export function termsOf(policy) {
  const rules = ["permission", "prohibition", "obligation"].flatMap((kind) =>
    asList(policy[kind] ?? policy[`odrl:${kind}`]).map(
      (rule) => `${kind === "permission" ? "may" : kind === "prohibition" ? "must not" : "has to"} ${ruleOf(rule)}`,
    ),
  );
  return rules.length ? rules.join("; ") : "none";
}

const plain = (value) =>
  String(value?.["@id"] ?? value?.["@value"] ?? (typeof value === "object" ? JSON.stringify(value) : value)).replace(
    /^odrl:/,
    "",
  );

function ruleOf(rule) {
  const constraints = asList(rule.constraint ?? rule["odrl:constraint"]).map((it) => {
    const left = it.leftOperand ?? it["odrl:leftOperand"];
    if (left === undefined) return JSON.stringify(it);
    return [left, it.operator ?? it["odrl:operator"], it.rightOperand ?? it["odrl:rightOperand"]].map(plain).join(" ");
  });
  const action = plain(rule.action ?? rule["odrl:action"] ?? "use");
  return constraints.length ? `${action} where ${constraints.join(" and ")}` : action;
}
