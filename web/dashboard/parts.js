// Pieces that several views show: badges, causes, times, progress, refusals, empty lists.

import { nextOf, retryWords } from "./causes.js";
import { h, theirs } from "./dom.js";
import { blobs, bytes, clock, dayAndClock, duration, inFull, isNumber, moment } from "./format.js";
import { stateOf } from "./states.js";

export function badge(state, error = null) {
  const { name, tone, sign } = stateOf(state, error);
  return h("span", { class: `badge ${tone}` }, h("span", { "aria-hidden": "true" }, sign), name);
}

export function timeOf(value, { millis = false, day = true } = {}) {
  const at = moment(value);
  if (!at) return h("span", { class: "muted" }, "–");
  const text = day ? dayAndClock(at) : clock(at, { millis });
  return h("time", { datetime: at.toISOString(), title: inFull(at) }, text);
}

// A cause in a list: code and sentence, in plain sight.
export function shortCause(error) {
  return h(
    "div",
    { class: "cause small" },
    h("span", { class: "code bad-text" }, theirs(error.code)),
    h("p", {}, theirs(error.message)),
  );
}

// A cause in full: what happened, at which step, whether trying again helps, what to do next.
export function fullCause(error) {
  const where = error.step ? ` at step ${error.step}` : "";
  return h(
    "div",
    { class: "notice bad" },
    h("h2", {}, h("span", { class: "code bad-text" }, theirs(error.code)), h("span", { class: "small" }, where)),
    h("p", {}, theirs(error.message)),
    h("p", {}, h("strong", {}, retryWords(error)), " ", nextOf(error.code)),
  );
}

// How far a copy is; `progress` as the progress endpoint tells it.
export function progressOf(progress) {
  const { bytesDone, blobsDone, bytesTotal, blobsTotal, isTotalKnown, bytesPerSecond, etaSeconds } = progress;
  const whole = isTotalKnown && isNumber(bytesTotal) && bytesTotal > 0;
  const share = whole ? Math.min(100, Math.floor((bytesDone / bytesTotal) * 100)) : null;
  const of = (done, total, words) =>
    isTotalKnown && isNumber(total) ? `${words(done)} of ${words(total)}` : words(done);
  const figures = [
    ["Bytes", of(bytesDone, bytesTotal, bytes)],
    ["Blobs", of(blobsDone, blobsTotal, (number) => blobs(number).split(" ")[0])],
    ["Rate", bytesPerSecond > 0 ? `${bytes(bytesPerSecond)}/s` : "–"],
    ["Time left", isNumber(etaSeconds) ? duration(etaSeconds) : isTotalKnown ? "–" : "still counting"],
  ];
  return h(
    "div",
    { class: "stack" },
    h("progress", {
      "aria-label": "Bytes copied",
      max: 100,
      ...(share === null ? { value: 0, title: "The total is not known yet" } : { value: share }),
    }),
    h(
      "dl",
      { class: "figure-row" },
      figures.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    ),
  );
}

// Why something was refused: every reason at once.
export function faultList(error) {
  const faults = error.faults ?? [String(error.message ?? error)];
  const body =
    faults.length === 1
      ? h("p", {}, theirs(faults[0]))
      : h(
          "ul",
          {},
          faults.map((it) => h("li", {}, theirs(it))),
        );
  return h("div", { class: "notice bad" }, body);
}

export const loading = (what) => h("p", { class: "empty", "aria-busy": "true" }, `Loading ${what} …`);

export const empty = (title, ...text) => h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, ...text));

// The head of a view; the title takes the focus when the view is entered.
export const title = (text, ...below) => h("div", { class: "title" }, h("h1", { tabindex: -1 }, text), ...below);

export function field(label, input, hint) {
  return h(
    "div",
    {},
    h("label", { for: input.id }, label),
    input,
    hint && h("p", { class: "hint", id: `${input.id}-hint` }, hint),
  );
}

// Names and values; a value that is a text may be a peer's.
export function facts(pairs) {
  const told = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  const shown = (value) => (value instanceof Node ? value : theirs(value));
  return h(
    "dl",
    { class: "facts" },
    told.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, shown(value)))),
  );
}
