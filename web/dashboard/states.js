// The states of transfers and negotiations as people see them: a tone and a sign, beside the name that EDC gives them.

const WORDS = {
  INITIAL: ["run", "It has been asked for."],
  PREPARATION_REQUESTED: ["run", "The destination is being prepared."],
  REQUESTING: ["run", "The other side is being asked."],
  REQUESTED: ["run", "The other side has been asked, and has not started yet."],
  STARTING: ["run", "The data flow is being started."],
  STARTED: ["run", "Data is on its way."],
  SUSPENDING: ["pause", "It is being suspended."],
  SUSPENDED: ["pause", "It stands still until somebody resumes it."],
  RESUMING: ["run", "It is being resumed."],
  COMPLETING: ["run", "What has arrived is being checked."],
  COMPLETED: ["good", "Everything has arrived."],
  TERMINATED: ["bad", "It has ended before its goal."],
  DEPROVISIONING: ["gone", "What was made for it is being taken away."],
  DEPROVISIONED: ["gone", "What was made for it is gone."],
  OFFERING: ["run", "An offer is on its way."],
  OFFERED: ["pause", "There is an offer, which somebody has to accept."],
  ACCEPTING: ["run", "The offer is being accepted."],
  ACCEPTED: ["run", "The offer has been accepted."],
  AGREEING: ["run", "The agreement is on its way."],
  AGREED: ["run", "Both sides agree."],
  VERIFYING: ["run", "The agreement is being verified."],
  VERIFIED: ["run", "The agreement has been verified."],
  FINALIZING: ["run", "It is being concluded."],
  FINALIZED: ["good", "There is a contract agreement."],
};
const SIGNS = { run: "▶", good: "✓", bad: "✕", pause: "❚❚", gone: "○" };
const OVER = new Set(["COMPLETED", "TERMINATED", "DEPROVISIONED", "FINALIZED"]);

export const TRANSFER_STATES = Object.keys(WORDS).slice(0, 14);

export const isOver = (state) => OVER.has(state);

export function stateOf(name, error = null) {
  const [tone, words] = WORDS[name] ?? ["gone", "This page does not know this state."];
  const isFailure = error && tone === "gone";
  return { name, tone: isFailure ? "bad" : tone, words, sign: SIGNS[isFailure ? "bad" : tone] };
}

// What a user may do with a transfer now; the app has the last word.
export function actionsOf(transfer) {
  const { state, type, transferType = "" } = transfer;
  const isConsumer = type === "CONSUMER";
  return [
    state === "STARTED" && "suspend",
    state === "SUSPENDED" && "resume",
    state === "STARTED" && isConsumer && transferType.endsWith("-PULL") && "complete",
    !isOver(state) && state !== "DEPROVISIONING" && "terminate",
    isConsumer && !["DEPROVISIONED", "DEPROVISIONING"].includes(state) && "deprovision",
  ].filter(Boolean);
}
