// The list of transfers: newest first, filtered by the app, a page at a time, live.

import { pathName } from "./api.js";
import { h, safeHref, show, theirs } from "./dom.js";
import { blobs, bytes, duration, isNumber } from "./format.js";
import { badge, empty, faultList, field, loading, shortCause, timeOf, title } from "./parts.js";
import { Poller } from "./polling.js";
import { TRANSFER_STATES, isOver } from "./states.js";

const PAGE = 25;
const LIVE_SECONDS = 2;
const QUIET_SECONDS = 5;
const MOST_PROGRESS = 10;
const FIELDS = {
  assetId: "Asset",
  counterPartyId: "Partner",
  "error.code": "Cause (code)",
  errorDetail: "Cause (text)",
  contractId: "Agreement",
  id: "Process id",
};

export function transfersView(host, context, params) {
  const filter = {
    state: params.get("state") ?? "",
    in: params.get("in") ?? "assetId",
    text: params.get("text") ?? "",
  };
  const cursor = params.get("cursor");
  const list = h("div", { class: "card flush", id: "list" }, loading("transfers"));
  const pages = h("nav", { class: "pages", "aria-label": "Pages of the list" });
  show(
    host,
    h(
      "div",
      { class: "stack" },
      h(
        "div",
        { class: "head" },
        title("Transfers"),
        h("a", { class: "button main", href: "#/catalog" }, "New transfer"),
      ),
      filters(filter),
      list,
      pages,
    ),
  );

  const poller = new Poller(
    async (signal) => {
      const page = await context.own.page(
        "/transferprocesses/request",
        { limit: PAGE, filterExpression: criteria(filter) },
        cursor,
        { signal },
      );
      const live = page.items.filter((it) => !isOver(it.state));
      const progress = await progressOfAll(context, live, signal);
      show(list, page.items.length ? table(page.items, progress) : nothing(filter, cursor));
      show(pages, pageLinks(filter, cursor, page.next));
      context.updated();
      return live.length ? LIVE_SECONDS : QUIET_SECONDS;
    },
    (error) => context.failed(error, (it) => show(list, faultList(it))),
  );
  return poller;
}

function criteria({ state, in: name, text }) {
  const found = [];
  if (state) found.push({ operandLeft: "state", operator: "=", operandRight: state });
  if (text) found.push({ operandLeft: name, operator: "ilike", operandRight: `%${text}%` });
  return found;
}

export function linkTo(page, values) {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value));
  return `#/${page}${query.size ? `?${query}` : ""}`;
}

function filters(filter) {
  const option = (value, text) => h("option", { value }, text);
  const state = h(
    "select",
    { id: "state", value: filter.state },
    option("", "All states"),
    TRANSFER_STATES.map((it) => option(it, it)),
  );
  const where = h(
    "select",
    { id: "in", value: filter.in },
    Object.entries(FIELDS).map(([value, text]) => option(value, text)),
  );
  const text = h("input", { id: "text", type: "search", value: filter.text, autocomplete: "off", maxlength: 200 });

  function apply(event) {
    event.preventDefault();
    location.hash = linkTo("transfers", {
      state: state.value,
      text: text.value.trim(),
      in: text.value.trim() && where.value,
    });
  }

  return h(
    "form",
    { class: "filters", role: "search", "data-keep": "filters", onsubmit: apply },
    field("State", state),
    field("Look in", where),
    field("For", text),
    h("div", {}, h("button", { type: "submit" }, "Filter")),
  );
}

async function progressOfAll(context, live, signal) {
  const asked = live
    .slice(0, MOST_PROGRESS)
    .map(async (it) => [it["@id"], await readProgress(context.own, it["@id"], signal)]);
  return new Map(await Promise.all(asked));
}

// How far the copy of a transfer is; null where the app does not know.
export async function readProgress(participant, id, signal) {
  try {
    return await participant.get(`/transferprocesses/${pathName(id)}/progress`, { signal });
  } catch (error) {
    if ([404, 405, 409].includes(error.status)) return null;
    throw error;
  }
}

function table(transfers, progress) {
  const heads = ["State", "Asset and cause", "Partner", "Data", "Last change"];
  return h(
    "table",
    { class: "transfers stacked", role: "table" },
    h("caption", { class: "unseen" }, "Transfers, newest first"),
    h(
      "thead",
      { role: "rowgroup" },
      h(
        "tr",
        { role: "row" },
        heads.map((it) => h("th", { scope: "col", role: "columnheader" }, it)),
      ),
    ),
    h(
      "tbody",
      { role: "rowgroup" },
      transfers.map((it) => row(it, progress.get(it["@id"]))),
    ),
  );
}

function row(transfer, progress) {
  const { "@id": id, assetId, error, state, type, counterPartyId } = transfer;
  const cell = (...content) => h("td", { role: "cell" }, ...content);
  return h(
    "tr",
    { role: "row", "data-key": id },
    cell(badge(state, error)),
    cell(
      h("a", { class: "asset lines", href: `#/transfers/${pathName(id)}` }, theirs(assetId || "(no asset)")),
      h("div", { class: "muted mono" }, theirs(id)),
      error ? shortCause(error) : null,
    ),
    cell(h("span", { class: "muted small" }, type === "PROVIDER" ? "to " : "from "), theirs(counterPartyId)),
    cell(dataOf(transfer, progress) ?? h("span", { class: "muted none" }, "–")),
    cell(timeOf(transfer.stateTimestamp)),
  );
}

function dataOf({ delivered, state }, progress) {
  if (delivered && isNumber(delivered.bytes)) {
    return h(
      "div",
      { class: "figures" },
      h("div", {}, bytes(delivered.bytes)),
      h("div", { class: "muted small" }, blobs(delivered.blobs)),
    );
  }
  if (isOver(state) || !progress) return null;
  const { bytesDone, bytesTotal, isTotalKnown, bytesPerSecond, etaSeconds } = progress;
  const whole = isTotalKnown && bytesTotal > 0;
  const pace = [
    bytesPerSecond > 0 && `${bytes(bytesPerSecond)}/s`,
    isNumber(etaSeconds) && `${duration(etaSeconds)} left`,
  ].filter(Boolean);
  return h(
    "div",
    { class: "figures" },
    h("div", {}, whole ? `${bytes(bytesDone)} of ${bytes(bytesTotal)}` : bytes(bytesDone)),
    whole
      ? h("progress", {
          max: 100,
          value: Math.min(100, Math.floor((bytesDone / bytesTotal) * 100)),
          "aria-label": "Bytes copied",
        })
      : null,
    h("div", { class: "muted small" }, pace.join(" · ") || blobs(progress.blobsDone)),
  );
}

function nothing(filter, cursor) {
  if (filter.state || filter.text) {
    return empty(
      "No transfer is like that",
      "Nothing matches this filter. ",
      h("a", { href: "#/transfers" }, "Show all"),
    );
  }
  if (cursor) return empty("No more transfers", h("a", { href: "#/transfers" }, "Back to the newest"));
  return empty(
    "No transfers yet",
    "Look into a partner's ",
    h("a", { href: "#/catalog" }, "catalog"),
    ", agree on an offer and start one.",
  );
}

function pageLinks(filter, cursor, next) {
  const at = (value) =>
    safeHref(
      linkTo("transfers", { state: filter.state, text: filter.text, in: filter.text && filter.in, cursor: value }),
    );
  return [
    h("span", { "data-key": "newest" }, cursor ? h("a", { class: "button", href: at("") }, "Newest") : null),
    h("span", { "data-key": "older" }, next ? h("a", { class: "button", href: at(next) }, "Older") : null),
  ];
}
