// Asks before something is done that cannot be taken back, and keeps the question open until the app has answered.

import { h, say, show } from "./dom.js";
import { faultList } from "./parts.js";

const QUESTIONS = {
  suspend: {
    title: "Suspend this transfer?",
    text: "The copy stops at the next page and can go on later from where it was, as long as its SAS is valid.",
    button: "Suspend",
    reason: true,
    done: "Suspension asked for.",
  },
  resume: {
    title: "Resume this transfer?",
    text: "The copy goes on from where it stopped.",
    button: "Resume",
    done: "Resumption asked for.",
  },
  complete: {
    title: "Complete this transfer?",
    text: "You have read everything; the data address is withdrawn on both sides.",
    button: "Complete",
    done: "Completion asked for.",
  },
  terminate: {
    title: "Terminate this transfer?",
    text: "It ends on both sides and cannot be resumed. What has arrived stays until you deprovision it.",
    button: "Terminate",
    danger: true,
    reason: true,
    done: "Termination asked for.",
  },
  deprovision: {
    title: "Deprovision this transfer?",
    text: "",
    button: "Deprovision",
    danger: true,
    done: "Deprovisioning asked for.",
  },
};

function textOf(name, transfer) {
  if (name !== "deprovision") return QUESTIONS[name].text;
  const kept = transfer.managedResources === false;
  const what = kept
    ? "The container is not Ferry's and stays with what is in it; only the marker is deleted."
    : "The container is deleted with everything in it. Read the data first if you need it.";
  return `The SAS is revoked and its secret deleted. ${what}`;
}

// Asks, calls `act(reason)` and closes when that has succeeded; a refusal is shown where it was asked for.
export function confirmAction(name, transfer, act) {
  const question = QUESTIONS[name];
  const dialog = document.getElementById("dialog");
  const reason = h("input", { id: "reason", maxlength: 1000, autocomplete: "off" });
  const trouble = h("div", { "aria-live": "assertive" });
  const go = h("button", { type: "submit", class: question.danger ? "danger" : "main" }, question.button);
  const form = h(
    "form",
    { class: "stack", onsubmit: submit },
    h("h2", { id: "dialog-title" }, question.title),
    h("p", {}, textOf(name, transfer)),
    question.reason &&
      h("div", {}, h("label", { for: "reason" }, "Reason, which the other side is told (optional)"), reason),
    trouble,
    h("div", { class: "row" }, h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), go),
  );

  async function submit(event) {
    event.preventDefault();
    go.disabled = true;
    try {
      await act(reason.value.trim());
      dialog.close();
      say(question.done);
    } catch (error) {
      show(trouble, faultList(error));
    } finally {
      go.disabled = false;
    }
  }

  dialog.replaceChildren(form);
  dialog.showModal();
}

export const labelOf = (name) => QUESTIONS[name].button;
export const isDangerous = (name) => Boolean(QUESTIONS[name].danger);
