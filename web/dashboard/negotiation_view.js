// One contract negotiation until it has led to an agreement, or to nothing.

import { pathName } from "./api.js";
import { h, say, show, theirs } from "./dom.js";
import { badge, facts, faultList, fullCause, loading, timeOf, title } from "./parts.js";
import { Poller } from "./polling.js";
import { startForm } from "./start_form.js";
import { isOver, stateOf } from "./states.js";
import { timeLine } from "./timeline.js";

const LIVE_SECONDS = 1;

export function negotiationView(host, context, params, id) {
  const heading = title("Negotiation");
  const body = h("div", { class: "stack" }, loading("the negotiation"));
  let known = "";
  show(host, h("div", { class: "stack" }, heading, body));

  return new Poller(
    async (signal) => {
      const negotiation = await context.own.get(`/contractnegotiations/${pathName(id)}`, { signal });
      show(body, page(negotiation, context));
      if (known && known !== negotiation.state)
        say(`The negotiation is now ${negotiation.state}. ${stateOf(negotiation.state).words}`);
      known = negotiation.state;
      context.updated();
      return isOver(negotiation.state) ? null : LIVE_SECONDS;
    },
    (error) => context.failed(error, (it) => show(body, faultList(it))),
  );
}

function page(negotiation, context) {
  const { state, error, type, assetId, contractAgreementId, counterPartyId, counterPartyAddress, stateTimestamp } =
    negotiation;
  const mayStart = contractAgreementId && type === "CONSUMER" && state === "FINALIZED";
  return [
    h(
      "section",
      { class: "card stack", "data-key": "standing", "aria-label": "How it stands" },
      h("p", {}, badge(state, error)),
      h("p", {}, stateOf(state).words),
      h("p", { class: "muted small" }, "Since ", timeOf(stateTimestamp)),
      error ? fullCause(error) : null,
    ),
    mayStart
      ? h(
          "section",
          { class: "card stack", "data-key": "start", "data-keep": "start" },
          h("h2", {}, "Start a transfer"),
          startForm(context, { assetId, agreementId: contractAgreementId }),
        )
      : null,
    h(
      "section",
      { class: "card", "data-key": "details" },
      h("h2", {}, "Details"),
      facts([
        ["Asset", assetId],
        ["Partner", counterPartyId],
        ["Partner's address", counterPartyAddress],
        [
          "Agreement",
          contractAgreementId &&
            h(
              "a",
              { class: "mono", href: `#/agreements/${pathName(contractAgreementId)}` },
              theirs(contractAgreementId),
            ),
        ],
      ]),
    ),
    h("section", { class: "card", "data-key": "line" }, h("h2", {}, "Time line"), timeLine(negotiation.history)),
  ];
}
