// Contract agreements: the list, and one of them with the form that starts a transfer.

import { pathName } from "./api.js";
import { termsOf } from "./catalog_view.js";
import { h, show, theirs } from "./dom.js";
import { moment } from "./format.js";
import { empty, facts, faultList, loading, timeOf, title } from "./parts.js";
import { startForm } from "./start_form.js";

const PAGE = 25;

// The signing date is in seconds, as EDC has it.
const signedAt = ({ contractSigningDate }) => moment(contractSigningDate * 1000)?.getTime();

export function agreementsView(host, context, params) {
  const offset = Math.max(0, Number.parseInt(params.get("offset") ?? "0", 10) || 0);
  const list = h("div", { class: "card flush" }, loading("agreements"));
  const pages = h("nav", { class: "pages", "aria-label": "Pages of the list" });
  const controller = new AbortController();
  show(host, h("div", { class: "stack" }, title("Agreements"), list, pages));

  async function read() {
    const query = { limit: PAGE + 1, offset, sortField: "contractSigningDate", sortOrder: "DESC" };
    const { items } = await context.own.page("/contractagreements/request", query, null, { signal: controller.signal });
    const more = items.length > PAGE;
    show(
      list,
      items.length
        ? h(
            "ul",
            { class: "offers" },
            items.slice(0, PAGE).map((it) => row(it, context)),
          )
        : empty("No agreements", "Negotiate one in a partner's ", h("a", { href: "#/catalog" }, "catalog"), "."),
    );
    const link = (text, at) => h("a", { class: "button", href: `#/agreements?offset=${at}` }, text);
    show(
      pages,
      h("span", {}, offset ? link("Newer", Math.max(0, offset - PAGE)) : null),
      h("span", {}, more ? link("Older", offset + PAGE) : null),
    );
    context.updated();
  }

  read().catch((error) => controller.signal.aborted || context.failed(error, (it) => show(list, faultList(it))));
  return { stop: () => controller.abort() };
}

function row(agreement, context) {
  const { "@id": id, assetId, consumerId, providerId } = agreement;
  const mine = consumerId === context.config.participantId;
  return h(
    "li",
    {},
    h(
      "div",
      {},
      h("h2", {}, theirs(assetId)),
      h(
        "p",
        { class: "muted small" },
        mine ? "from " : "to ",
        theirs(mine ? providerId : consumerId),
        " · signed ",
        timeOf(signedAt(agreement)),
      ),
      h("p", { class: "muted mono" }, theirs(id)),
    ),
    h(
      "a",
      { class: "button", href: `#/agreements/${pathName(id)}` },
      mine ? "Start a transfer" : "Look at it",
      h("span", { class: "unseen" }, " ", theirs(assetId)),
    ),
  );
}

export function agreementView(host, context, params, id) {
  const body = h("div", { class: "stack" }, loading("the agreement"));
  const controller = new AbortController();
  show(
    host,
    h(
      "div",
      { class: "stack" },
      h("p", {}, h("a", { href: "#/agreements" }, "← Agreements")),
      title("Agreement"),
      body,
    ),
  );

  async function read() {
    const agreement = await context.own.get(`/contractagreements/${pathName(id)}`, { signal: controller.signal });
    show(body, page(agreement, context));
    context.updated();
  }

  read().catch((error) => controller.signal.aborted || context.failed(error, (it) => show(body, faultList(it))));
  return { stop: () => controller.abort() };
}

function page(agreement, context) {
  const { "@id": id, assetId, consumerId, providerId, policy } = agreement;
  const isConsumer = consumerId === context.config.participantId;
  return [
    h(
      "section",
      { class: "card" },
      h("h2", {}, theirs(assetId)),
      facts([
        ["Provider", providerId],
        ["Consumer", consumerId],
        ["Signed", timeOf(signedAt(agreement))],
        ["Terms", termsOf(policy ?? {})],
        ["Agreement", h("span", { class: "mono" }, theirs(id))],
      ]),
    ),
    isConsumer
      ? h(
          "section",
          { class: "card stack" },
          h("h2", {}, "Start a transfer"),
          startForm(context, { assetId, agreementId: id }),
        )
      : h("p", { class: "muted" }, "As provider you start nothing here: the consumer asks for the data."),
  ];
}
