// Loaded into Azurite with `node --require`, in the place of the observer, which it loads in turn. Azurite does not know
// Put Blob From URL, which is what AzCopy and Ferry copy small blobs with; it does know Copy Blob From URL. So the one
// is handed to it as the other before it looks, and its 202 is told as the 201 that the operation has. With a SAS only:
// what a key has signed cannot be changed.
"use strict";

const diagnostics = require("node:diagnostics_channel");
const { join } = require("node:path");

require(join(__dirname, "..", "..", "ferry", "emulators", "node", "observe.cjs"));

function isPutBlobFromUrl(request) {
  const headers = request.headers;
  const isPut = request.method === "PUT" && headers["x-ms-copy-source"] !== undefined;
  return isPut && headers["x-ms-blob-type"] === "BlockBlob" && !/[?&]comp=/.test(request.url);
}

diagnostics.subscribe("http.server.request.start", ({ request, response }) => {
  if (!isPutBlobFromUrl(request)) return;
  delete request.headers["x-ms-blob-type"];
  request.headers["x-ms-requires-sync"] = "true";
  const writeHead = response.writeHead;
  response.writeHead = function (status, ...others) {
    return writeHead.call(this, status === 202 ? 201 : status, ...others);
  };
});
