// Loaded into Azurite with `node --require`. Four duties:
// 1. Azurite must not outlive the process that started it. That process holds the other end of stdin, so the kernel
//    closes it even when the process is killed with SIGKILL. (PR_SET_PDEATHSIG would fire when the starting *thread*
//    ends, and exists on Linux alone.)
// 2. A line on stdin is answered by a line on stdout, after those of all requests that were answered before.
// 3. One JSON line per finished request on stdout. Azurite's own access log writes whole URLs, with SAS signatures in
//    them, and has neither ETag nor length nor a copy source; this line has those and never a signature.
// 4. Azure keeps the URL that a blob was copied from without its signature; Azurite keeps all of it, in its files and for
//    everybody who may list the destination.
"use strict";

const fs = require("node:fs");
const diagnostics = require("node:diagnostics_channel");
const { createRequire } = require("node:module");

function endAsOrphan() {
  // The parent could not clean up after itself: its folder holds the private key of a certificate.
  const folder = process.env.FERRY_ORPHANED_FOLDER;
  if (folder) fs.rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}

process.stdin.on("data", () => {
  // A response may have left before its "finish" event: let this turn of the loop deliver those first.
  setImmediate(() => setImmediate(() => process.stdout.write("azurite flushed\n")));
});
process.stdin.on("end", endAsOrphan);
process.stdin.on("error", endAsOrphan);
process.stdin.resume();
process.stdin.unref();

const BlobStore = createRequire(process.argv[1])("./blob/persistence/LokiBlobMetadataStore").default;
for (const name of ["copyFromURL", "startCopyFromURL"]) {
  const copy = BlobStore.prototype[name];
  BlobStore.prototype[name] = function (context, source, destination, copySource, ...others) {
    return copy.call(this, context, source, destination, copySource.replace(/([?&])sig=[^&]*&?/, "$1"), ...others);
  };
}

const arrivals = new WeakMap();

function numberOrNull(text) {
  return text === undefined ? null : Number(text);
}

function queryOf(url) {
  const at = url.indexOf("?");
  return new URLSearchParams(at < 0 ? "" : url.slice(at + 1));
}

function credentialKind(request, query) {
  const header = request.headers.authorization;
  if (query.has("sig")) return "sas";
  if (header === undefined) return "none";
  return header.startsWith("Bearer") ? "bearer" : "key";
}

function describe(request, response, arrival) {
  const url = request.originalUrl || request.url;
  const query = queryOf(url);
  const headers = request.headers;
  return {
    azuriteRequest: 1,
    at: Date.now() / 1000,
    port: arrival.port,
    method: headers["x-http-method"] || request.method,
    path: url.split("?", 1)[0],
    restype: query.get("restype"),
    comp: query.get("comp"),
    blockId: query.get("blockid"),
    peekOnly: query.get("peekonly") === "true",
    credential: credentialKind(request, query),
    copySource: headers["x-ms-copy-source"] !== undefined,
    blobType: headers["x-ms-blob-type"] || null,
    copySynchronously: String(headers["x-ms-requires-sync"]).toLowerCase() === "true",
    userAgent: headers["user-agent"] || "",
    receivedBytes: numberOrNull(headers["content-length"]),
    sentBytes: numberOrNull(response.getHeader("content-length")),
    status: response.statusCode,
    etag: response.getHeader("etag") || null,
    milliseconds: performance.now() - arrival.startedAt,
  };
}

diagnostics.subscribe("http.server.request.start", ({ request }) => {
  // Now, because a client that has gone by the time of the answer takes its socket's port along.
  arrivals.set(request, { port: request.socket.localPort, startedAt: performance.now() });
});

diagnostics.subscribe("http.server.response.finish", ({ request, response }) => {
  const arrival = arrivals.get(request);
  process.stdout.write(JSON.stringify(describe(request, response, arrival)) + "\n");
});
