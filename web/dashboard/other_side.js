// The other side of a transfer, for who may see both: its app is asked by this page, with a key of its own.
// Only apps that this one's settings name can be asked; the browser itself refuses every other (Content-Security-Policy).

import { Participant, pathName } from "./api.js";
import { h, theirs } from "./dom.js";
import { badge, faultList, field, fullCause } from "./parts.js";
import { kindField, secretInput } from "./sign_in_view.js";
import { otherSide } from "./session.js";
import { isOver } from "./states.js";
import { timeLine } from "./timeline.js";
import { readProgress } from "./transfers_view.js";

const NOTHING = { transfer: null, progress: null, error: null };

export class OtherSide {
  #context;
  #changed;

  // `changed` is called when the user has entered another key, or none.
  constructor(context, changed) {
    this.#context = context;
    this.#changed = changed;
  }

  // What the other side shows of this transfer. A refusal of it is its own, and never ours.
  async read(transfer, signal) {
    const known = this.#known(transfer);
    if (!known || !transfer.correlationId) return NOTHING;
    const participant = new Participant(known, known.origin);
    const id = transfer.correlationId;
    try {
      const shown = await participant.get(`/transferprocesses/${pathName(id)}`, { signal });
      const progress =
        shown.type === "PROVIDER" && shown.state === "STARTED"
          ? await readProgress(participant, id, signal).catch(() => null)
          : null;
      return { transfer: shown, progress: progress ?? summary(shown), error: null };
    } catch (error) {
      if (signal.aborted) throw error;
      return { ...NOTHING, error };
    }
  }

  section(transfer, { transfer: shown, error }) {
    const name = transfer.type === "PROVIDER" ? "consumer" : "provider";
    const origin = originOf(transfer.counterPartyAddress);
    const parts = [h("h2", { "data-key": "title" }, `Time line there (${name})`)];
    if (!transfer.correlationId) {
      const text = isOver(transfer.state) ? "The other side never knew of it." : "The other side has not answered yet.";
      return [...parts, h("p", { class: "muted" }, text)];
    }
    if (shown) return [...parts, ...this.#shown(shown)];
    if (!this.#context.config.partners.includes(origin)) return [...parts, ...this.#unreachable(transfer, origin)];
    if (error) parts.push(h("div", { "data-key": "error" }, faultList(error)));
    return [...parts, this.#form(origin)];
  }

  #known(transfer) {
    const known = otherSide.get();
    return known && known.origin === originOf(transfer.counterPartyAddress) ? known : null;
  }

  #forget() {
    otherSide.set(null);
    this.#changed();
  }

  #shown(transfer) {
    return [
      h("p", { "data-key": "state", class: "below" }, badge(transfer.state, transfer.error)),
      transfer.error ? h("div", { "data-key": "cause" }, fullCause(transfer.error)) : null,
      h("div", { "data-key": "line" }, timeLine(transfer.history)),
      h(
        "button",
        { "data-key": "forget", type: "button", onclick: () => this.#forget() },
        "Forget the other side's key",
      ),
    ];
  }

  #unreachable(transfer, origin) {
    const text = h(
      "p",
      { class: "muted" },
      "This app's setting FERRY_DASHBOARD_PARTNERS does not name ",
      theirs(origin || "the other side"),
      ", so that this page cannot ask it.",
    );
    if (!origin) return [text];
    const href = `${origin}/api/dashboard#/transfers/${pathName(transfer.correlationId)}`;
    const link = h(
      "a",
      { href, target: "_blank", rel: "noopener noreferrer" },
      "Open the dashboard at ",
      theirs(origin),
    );
    return [text, h("p", {}, link)];
  }

  #form(origin) {
    const kind = kindField("other-kind", otherSide.get()?.kind ?? "api-key");
    const address = h("input", { id: "other-origin", value: origin, readonly: true });
    const secret = secretInput("other-secret");
    const submit = (event) => {
      event.preventDefault();
      otherSide.set({ origin, kind: kind.querySelector("select").value, secret: secret.value.trim() });
      this.#changed();
    };
    const said = "It is kept in this tab, and sent to the address above alone.";
    return h(
      "form",
      { class: "stack", "data-key": "form", "data-keep": `other ${origin}`, onsubmit: submit },
      h(
        "p",
        { class: "muted" },
        "You may see both sides next to each other, if you have a key for the other one, too.",
      ),
      field("Address", address),
      kind,
      field("Key or token of the other side", secret, said),
      h("div", {}, h("button", { type: "submit" }, "Show the other side")),
    );
  }
}

function summary({ progress, type }) {
  return type === "PROVIDER" && progress ? { bytesDone: progress.bytes, blobsDone: progress.blobs } : null;
}

export function originOf(address) {
  try {
    const url = new URL(address);
    return ["http:", "https:"].includes(url.protocol) ? url.origin : "";
  } catch {
    return "";
  }
}
