// The dashboard: which view stands at which address, who is signed in, when the page was last up to date.

import { agreementView, agreementsView } from "./agreements_view.js";
import { Participant, readConfig } from "./api.js";
import { catalogView } from "./catalog_view.js";
import { h, say, show } from "./dom.js";
import { clock } from "./format.js";
import { negotiationView } from "./negotiation_view.js";
import { empty, faultList, title } from "./parts.js";
import { updates } from "./polling.js";
import { credentials, forget } from "./session.js";
import { signInView } from "./sign_in_view.js";
import { transferView } from "./transfer_view.js";
import { transfersView } from "./transfers_view.js";

const VIEWS = {
  transfers: { name: "Transfers", list: transfersView, one: transferView, live: true },
  catalog: { name: "Catalog", list: catalogView },
  agreements: { name: "Agreements", list: agreementsView, one: agreementView },
  negotiations: { name: "Negotiation", one: negotiationView, live: true },
};

const part = (id) => document.getElementById(id);
const main = part("main");
let view = null;

const context = {
  config: null,
  own: null,
  enter,
  // A view has shown what is so now.
  updated() {
    part("updated").textContent = `Up to date at ${clock(new Date())}`;
  },
  // Something was refused: without a valid key there is nothing to show, everything else is the view's to tell.
  failed(error, tell) {
    if (error.name === "AbortError") return;
    if (error.status === 401) {
      forget();
      signIn("The app does not accept your key any more. Please sign in again.");
      return;
    }
    if (VIEWS[readAddress().name]?.live) part("updated").textContent = `Not up to date since ${clock(new Date())}`;
    tell(error);
  },
};

// `#/transfers/ID?state=…`: the view's name, an id, and parameters.
function readAddress() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, id] = path.split("/").map(decoded);
  return { name: name || "transfers", id, params: new URLSearchParams(query ?? "") };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function route() {
  if (!credentials.get()) {
    signIn();
    return;
  }
  const { name, id, params } = readAddress();
  const known = Object.hasOwn(VIEWS, name) ? VIEWS[name] : null;
  const build = id ? known?.one : known?.list;
  begin(known?.name ?? "Not found", { page: name, live: Boolean(known?.live) });
  if (build) view = build(main, context, params, id);
  else
    show(main, title("Not found"), empty("There is no such page", h("a", { href: "#/transfers" }, "To the transfers")));
  main.querySelector("h1")?.focus();
}

// Leave what was shown; `live` views go on asking, which the user can pause.
function begin(name, { page = "", live = false } = {}) {
  view?.stop();
  view = null;
  main.replaceChildren();
  part("dialog").close();
  part("updated").textContent = "";
  part("pause").hidden = !live;
  document.title = `${name} · ${context.config?.participantId ?? "Ferry"} · Ferry`;
  for (const link of part("nav").children) {
    if (link.dataset.page === page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function enter() {
  const known = credentials.get();
  context.own = known && new Participant(known);
  part("nav").hidden = part("sign-out").hidden = !known;
  route();
}

function signIn(reason) {
  context.own = null;
  part("nav").hidden = part("sign-out").hidden = true;
  begin("Sign in");
  view = signInView(main, context, reason);
  main.querySelector("h1")?.focus();
}

function pause() {
  updates.paused = !updates.paused;
  part("pause").setAttribute("aria-pressed", String(updates.paused));
  say(updates.paused ? "Updates are paused." : "Updates go on.");
}

async function boot() {
  part("pause").onclick = pause;
  part("skip").onclick = () => main.focus();
  part("sign-out").onclick = () => {
    forget();
    signIn();
    say("Signed out.");
  };
  try {
    context.config = await readConfig();
  } catch (error) {
    show(main, title("Ferry"), faultList(error));
    return;
  }
  part("who").textContent = context.config.participantId;
  if (!context.config.hasManagement) {
    show(
      main,
      title("Ferry"),
      empty("Nothing to manage", "This app is a data plane alone; its control plane has the dashboard."),
    );
    return;
  }
  addEventListener("hashchange", () => context.own && route());
  enter();
}

boot();
