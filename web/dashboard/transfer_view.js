// One transfer: how it stands and why, what can be done, its 18 steps, and the time lines of both sides.

import { pathName } from "./api.js";
import { confirmAction, isDangerous, labelOf } from "./dialog.js";
import { h, say, show, theirs } from "./dom.js";
import { blobs, bytes, duration, isNumber, moment } from "./format.js";
import { OtherSide } from "./other_side.js";
import { badge, facts, faultList, fullCause, loading, progressOf, timeOf, title } from "./parts.js";
import { Poller } from "./polling.js";
import { actionsOf, isOver, stateOf } from "./states.js";
import { stepTable, timeLine } from "./timeline.js";
import { readProgress } from "./transfers_view.js";

const LIVE_SECONDS = 1;
const QUIET_SECONDS = 5;
// What a process may have to try again, in words.
const WORK = {
  PREPARE_DESTINATION: "Preparing the destination",
  SEND_MESSAGE: "Telling the other side",
  ASK_PEER: "Asking the other side",
  VERIFY_DELIVERY: "Checking what has arrived",
  REVOKE_ACCESS: "Revoking the SAS",
  REMOVE_DESTINATION: "Deleting the container",
  START_DATA_FLOW: "Starting the data flow",
  CHECK_DATA_FLOW: "Looking at the data flow",
  SUSPEND_DATA_FLOW: "Suspending the data flow",
  RESUME_DATA_FLOW: "Resuming the data flow",
  COMPLETE_DATA_FLOW: "Ending the data flow",
  TERMINATE_DATA_FLOW: "Ending the data flow",
  DROP_SECRET: "Deleting the secret",
};

export function transferView(host, context, params, id) {
  const path = `/transferprocesses/${pathName(id)}`;
  const other = new OtherSide(context, () => poller.now());
  let known = "";
  show(host, title("Transfer"), loading("the transfer"));

  const poller = new Poller(
    async (signal) => {
      const transfer = await context.own.get(path, { signal });
      const [progress, theirSide] = await Promise.all([
        ownProgress(context, transfer, signal),
        other.read(transfer, signal),
      ]);
      show(host, page(transfer, { progress, theirSide, other, act }));
      if (known && known !== transfer.state)
        say(`The transfer is now ${transfer.state}. ${stateOf(transfer.state).words}`);
      known = transfer.state;
      context.updated();
      return isOver(transfer.state) ? QUIET_SECONDS : LIVE_SECONDS;
    },
    (error) =>
      context.failed(error, (it) =>
        show(host, title("Transfer"), faultList(it), h("p", {}, h("a", { href: "#/transfers" }, "Back to the list"))),
      ),
  );

  function act(name, transfer) {
    confirmAction(name, transfer, async (reason) => {
      await context.own.post(`${path}/${name}`, reason ? { reason } : {});
      poller.now();
    });
  }

  return poller;
}

// A provider's app knows its copy; a consumer's knows what it was told, and in the end what has arrived.
async function ownProgress(context, transfer, signal) {
  const told = isOver(transfer.state) ? null : await readProgress(context.own, transfer["@id"], signal);
  const { progress, delivered } = transfer;
  const done = progress?.blobs !== undefined ? progress : delivered;
  if (told && isNumber(told.bytesDone)) return told;
  return done && isNumber(done.bytes) ? { bytesDone: done.bytes, blobsDone: done.blobs } : null;
}

function page(transfer, { progress, theirSide, other, act }) {
  return h(
    "div",
    { class: "stack" },
    head(transfer),
    standing(transfer, progress ?? theirSide.progress),
    actions(transfer, act),
    h(
      "section",
      { class: "card flush" },
      h("h2", { class: "heading" }, "Steps"),
      stepTable(transfer, theirSide.transfer),
    ),
    h(
      "div",
      { class: "sides" },
      h("section", { class: "card" }, h("h2", {}, `Time line here (${sideOf(transfer)})`), timeLine(transfer.history)),
      h("section", { class: "card" }, other.section(transfer, theirSide)),
    ),
    h("section", { class: "card" }, h("h2", {}, "Details"), details(transfer)),
  );
}

const sideOf = ({ type }) => (type === "PROVIDER" ? "provider" : "consumer");

function head(transfer) {
  const partner = transfer.type === "PROVIDER" ? "to" : "from";
  return h(
    "div",
    { class: "stack" },
    h("p", {}, h("a", { href: "#/transfers" }, "← Transfers")),
    title(
      theirs(transfer.assetId || "(no asset)"),
      h(
        "p",
        { class: "muted" },
        `As ${sideOf(transfer)}, ${partner} `,
        theirs(transfer.counterPartyId),
        " · ",
        h("span", { class: "mono" }, theirs(transfer["@id"])),
      ),
    ),
  );
}

function standing(transfer, progress) {
  const { state, error, deadlineAt } = transfer;
  const until = moment(deadlineAt);
  return h(
    "section",
    { class: "card standing", "aria-label": "How it stands" },
    h(
      "div",
      { class: "stack" },
      h("p", {}, badge(state, error)),
      h("p", {}, stateOf(state).words),
      h("p", { class: "muted small" }, "Since ", timeOf(transfer.stateTimestamp)),
      until && !isOver(state)
        ? h("p", { class: "muted small" }, `Given up if still so in ${duration((until - Date.now()) / 1000)}`)
        : null,
    ),
    h("div", { class: "stack" }, outcome(transfer, progress)),
  );
}

// Why it has failed, what has arrived, or how far it is and what has to be tried again.
function outcome({ state, error, delivered, verification, waiting }, progress) {
  if (error) return [fullCause(error), waiting?.length ? retries(waiting) : null];
  if (delivered && isOver(state)) return arrived(delivered, verification);
  const tried = waiting?.length ? retries(waiting) : null;
  return progress ? [tried, progressOf(progress)] : (tried ?? noData(state));
}

const noData = (state) =>
  h(
    "p",
    { class: "muted" },
    isOver(state) ? "Nothing was delivered." : "Nothing has been copied yet, or this side cannot see it.",
  );

function arrived(delivered, verification) {
  const how = {
    manifest: "Compared with the provider's manifest",
    none: "Not compared: the provider wrote no manifest",
  };
  const figures = [
    ["Delivered", bytes(delivered.bytes)],
    ["In", blobs(delivered.blobs)],
  ];
  return h(
    "div",
    { class: "stack" },
    h(
      "dl",
      { class: "figure-row" },
      figures.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    ),
    verification ? h("p", { class: "muted" }, how[verification] ?? theirs(verification)) : null,
  );
}

function actions(transfer, act) {
  const names = actionsOf(transfer);
  const again = transfer.type === "CONSUMER" && transfer.state === "TERMINATED";
  const buttons = names.map((name) =>
    h(
      "button",
      {
        type: "button",
        "data-key": name,
        class: isDangerous(name) ? "danger" : null,
        onclick: () => act(name, transfer),
      },
      labelOf(name),
    ),
  );
  if (again)
    buttons.push(
      h(
        "a",
        { class: "button", "data-key": "again", href: `#/agreements/${pathName(transfer.contractId)}` },
        "Start a new one",
      ),
    );
  return h(
    "div",
    { class: "row", role: "group", "aria-label": "Actions" },
    buttons.length ? buttons : h("p", { class: "muted" }, "Nothing can be done with it any more."),
  );
}

function retries(waiting) {
  const line = ({ what, attempts, nextAt, error }) => [
    h(
      "p",
      {},
      `${WORK[what] ?? what}: tried ${attempts} ${attempts === 1 ? "time" : "times"}, again at `,
      timeOf(nextAt),
    ),
    h("p", {}, h("span", { class: "code" }, theirs(error?.code)), " ", theirs(error?.message)),
  ];
  return h("div", { class: "notice pause" }, h("h2", {}, "Not yet successful"), waiting.map(line));
}

function details(transfer) {
  const {
    dataDestination: to,
    correlationId,
    contractId,
    counterPartyAddress,
    transferType,
    createdAt,
    managedResources,
    secretPurgeAt,
  } = transfer;
  const agreement = h("a", { class: "mono", href: `#/agreements/${pathName(contractId)}` }, theirs(contractId));
  return facts([
    ["Agreement", agreement],
    ["Transfer type", transferType],
    ["Partner's address", counterPartyAddress],
    ["Process of the other side", correlationId],
    ["Destination account", to?.account],
    ["Container", to?.container],
    ["Endpoint", to?.endpoint],
    ["Container is", managedResources ? "Ferry's: deprovisioning deletes it" : "kept"],
    ["Asked for", timeOf(createdAt)],
    ["Secret is purged", secretPurgeAt ? timeOf(secretPurgeAt) : null],
  ]);
}
