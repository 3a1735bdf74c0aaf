// The 18 steps of a transfer: who takes each, and from the histories of the two sides how each of them stands.

const CHECKED = 13;
// Noticed by whoever looks at the clock, wherever the transfer was.
const DEADLINE = "DEADLINE_EXCEEDED";
const CLEAN_UP = 16;

export const STEPS = [
  ["Client", "asks the consumer for the transfer"],
  ["Consumer", "takes the credential for the destination account"],
  ["Consumer", "creates the container, issues a SAS that can only write"],
  ["Consumer", "stores the SAS in its vault"],
  ["Consumer", "asks the provider (TransferRequestMessage)"],
  ["Provider", "stores the SAS in its own vault"],
  ["Provider", "starts the data flow, and says so"],
  ["Provider", "takes the credential for the source account"],
  ["Provider", "takes the SAS from its vault"],
  ["Provider", "reads the source"],
  ["Provider", "writes the blobs"],
  ["Provider", "writes the marker, says that all is delivered"],
  ["Consumer", "checks what has arrived"],
  ["Client", "sees COMPLETED"],
  ["Client", "reads the data"],
  ["Client", "asks for deprovisioning"],
  ["Consumer", "revokes the SAS, deletes its secret"],
  ["Consumer", "deletes the container"],
].map(([who, what], index) => ({ number: index + 1, who, what }));

const WAITS_AT = {
  PREPARATION_REQUESTED: 2,
  REQUESTING: 5,
  INITIAL: 6,
  REQUESTED: 6,
  STARTING: 7,
  STARTED: 11,
  SUSPENDING: 11,
  SUSPENDED: 11,
  RESUMING: 11,
  COMPLETING: 13,
  DEPROVISIONING: 18,
};
const OVER = new Set(["COMPLETED", "TERMINATED", "DEPROVISIONED"]);

export const STANDINGS = {
  done: ["✓", "done"],
  passed: ["✓", "passed"],
  active: ["▶", "under way"],
  failed: ["✕", "failed here"],
  open: ["·", "to come"],
  elsewhere: ["·", "not seen here"],
  client: ["·", "yours to take"],
  never: ["–", "not reached"],
};

// The lines of a history that tell of a step. A line of the end only says where it was, and a claim that all has
// arrived is not its check.
function linesOf(history, number) {
  return (history ?? []).filter(
    (line) =>
      line.step === number && line.state !== "TERMINATED" && !(number === CHECKED && line.state !== "COMPLETED"),
  );
}

// Each step with its lines on both sides and its standing. `other`: what the other side shows; null where it is unknown.
export function stepsOf(own, other) {
  const steps = STEPS.map((step) => ({
    ...step,
    own: linesOf(own.history, step.number),
    other: linesOf(other?.history, step.number),
  }));
  const isDone = (step) => step.own.length + step.other.length > 0;
  const noted = steps.filter((step) => step.number <= CHECKED && isDone(step)).map((step) => step.number);
  const arrived = ["COMPLETED", "DEPROVISIONING", "DEPROVISIONED"].includes(own.state) && !own.error;
  const reached = arrived ? CHECKED : Math.max(0, ...noted, passedBefore(own.error));
  const sides = new Set([own.type, other?.type]);
  return steps.map((step) => ({ ...step, standing: standingOf(step, { own, reached, sides, isDone: isDone(step) }) }));
}

// Who fails at a step of its own has come so far.
function passedBefore(error) {
  return error?.step && error.code !== DEADLINE && error.step < CHECKED ? error.step : 0;
}

function standingOf(step, { own, reached, sides, isDone }) {
  const failedAt = own.error?.step ?? null;
  if (step.number === failedAt) return "failed";
  if (isDone) return "done";
  if (step.number >= CLEAN_UP) return ofCleanUp(step, own.state);
  if (step.number < reached || (step.number === CHECKED && reached === CHECKED)) return "passed";
  if (step.number > CHECKED) return own.error ? "never" : OVER.has(own.state) ? "client" : "open";
  const waitsAt = Math.max(reached + 1, WAITS_AT[own.state] ?? 0);
  if (!OVER.has(own.state) && own.state !== "DEPROVISIONING")
    return step.number === waitsAt ? "active" : aheadOf(step, waitsAt, sides);
  if (failedAt !== null && step.number > failedAt) return "never";
  return sides.has(step.who.toUpperCase()) || step.who === "Client" ? "never" : "elsewhere";
}

function aheadOf(step, waitsAt, sides) {
  return step.number < waitsAt && !sides.has(step.who.toUpperCase()) ? "elsewhere" : "open";
}

function ofCleanUp(step, state) {
  if (state === "DEPROVISIONED") return "passed";
  if (state === "DEPROVISIONING") return step.number === WAITS_AT[state] ? "active" : "open";
  return step.number === CLEAN_UP && OVER.has(state) ? "client" : "open";
}
