// Builds and updates the page. Text is only ever set as text, so that no name that a peer has chosen can become markup.

const KEPT = new Set(["open", "value"]);

// An element: attributes, handlers (`onclick`), children. Strings become text nodes; null, false and undefined nothing.
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  element.handlers = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) {
      element[name] = value;
      element.handlers[name] = value;
    } else if (name !== "value") {
      element.setAttribute(name, value === true ? "" : name === "href" ? safeHref(value) : String(value));
    }
  }
  element.append(...nodesOf(children));
  if (attributes.value !== undefined) element.value = attributes.value; // a select takes it when it has its options
  return element;
}

// What somebody else has written, kept apart from our own words whatever direction its letters have.
export const theirs = (text, attributes = {}) => h("bdi", attributes, text ?? "");

// Our own pages, and web addresses; anything else (javascript:, data:) leads nowhere.
export function safeHref(address) {
  const text = String(address);
  if (text.startsWith("#") || /^\/[^/\\]/.test(text)) return text;
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : "#/";
  } catch {
    return "#/";
  }
}

function nodesOf(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

// Make the host's children look like these. What is there already is kept and changed where it differs, so that focus,
// selection and scroll position stay; an element with `data-keep` is built once and then left alone.
export function show(host, ...children) {
  sync(host, nodesOf(children));
}

function sync(host, wanted) {
  const byKey = new Map();
  for (const child of host.childNodes) {
    if (child.dataset?.key) byKey.set(child.dataset.key, child);
  }
  let at = host.firstChild;
  for (const fresh of wanted) {
    const match = fresh.dataset?.key ? byKey.get(fresh.dataset.key) : alike(at, fresh) ? at : null;
    if (!match) {
      host.insertBefore(fresh, at);
      continue;
    }
    if (match === at) at = at.nextSibling;
    else host.insertBefore(match, at);
    patch(match, fresh);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function alike(old, fresh) {
  return old && old.nodeName === fresh.nodeName && !old.dataset?.key && !fresh.dataset?.key;
}

function patch(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.dataset.keep !== undefined && old.dataset.keep === fresh.dataset.keep) return;
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !KEPT.has(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const name of Object.keys(old.handlers ?? {})) old[name] = null;
  Object.assign(old, fresh.handlers);
  old.handlers = fresh.handlers;
  sync(old, [...fresh.childNodes]);
}

// Tell those who listen; the same words twice are told twice.
export function say(text) {
  const region = document.getElementById("said");
  region.textContent = "";
  setTimeout(() => (region.textContent = text), 50);
}
