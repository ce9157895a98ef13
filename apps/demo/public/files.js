import { ask, tellFailure } from "./ask.js";
import { confirmButton } from "./confirm-button.js";
import { byId, element } from "./element.js";
import * as format from "./format.js";
import { probeRanges } from "./range-probe.js";
import { repeat } from "./repeat.js";
import { upload } from "./upload.js";

/**
 * The browser hashes what it holds in memory in one piece; above this it leaves the hash to the
 * plugin: 256 MiB.
 */
const hashBytesMax = 268_435_456;

const shownUploadsMax = 6;

const randomPieceBytes = 65_536;

/** Cancels the upload that runs. */
let cancelRunning = () => undefined;

/**
 * Uploads with progress and cancel, beside what the plugin says of them, and the files that it
 * stores.
 */
export function showFiles() {
  const input = byId("file-input");
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = "";
    if (file !== undefined) {
      void send(file.name, file);
    }
  });
  const dropzone = byId("dropzone");
  dropzone.addEventListener("dragover", (event) => {
    event.preventDefault();
    dropzone.classList.add("over");
  });
  dropzone.addEventListener("dragleave", () => dropzone.classList.remove("over"));
  dropzone.addEventListener("drop", (event) => {
    event.preventDefault();
    dropzone.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file !== undefined) {
      void send(file.name, file);
    }
  });
  for (const button of byId("random-buttons").children) {
    const mib = Number(button.dataset.mib);
    button.addEventListener(
      "click",
      () => void send(`random-${mib}-MiB.bin`, randomBlob(mib * 1_048_576)),
    );
  }
  byId("sending-cancel").addEventListener("click", () => cancelRunning());
  void repeat(refresh, ({ message }) => byId("uploads").replaceChildren(note(message)));
}

// ---- what the browser sends

async function send(name, blob) {
  busy(true);
  const panel = byId("sending");
  const status = byId("sending-status");
  const startedMs = performance.now();
  panel.hidden = false;
  panel.className = "sending";
  byId("sending-name").textContent = name;
  byId("sending-progress").value = 0;
  byId("sending-hash").hidden = true;
  status.textContent = "starting …";

  let sentBytes = 0;
  const pace = byId("pace").value;
  const query = pace === "" ? "" : `?bytesPerSecond=${pace}`;
  const url = `/plugins/files/content/${encodeURIComponent(name)}${query}`;
  const { done, cancel } = upload(url, blob, (bytes) => {
    sentBytes = bytes;
    byId("sending-progress").value = blob.size === 0 ? 1 : bytes / blob.size;
    status.textContent = `sent ${format.bytes(bytes)} of ${format.bytes(blob.size)}, ${speed(bytes, startedMs)}`;
  });
  cancelRunning = cancel;

  try {
    const stored = await done;
    byId("sending-progress").value = 1;
    status.textContent = `${format.bytes(blob.size)} in ${((performance.now() - startedMs) / 1000).toFixed(1)} s, ${speed(blob.size, startedMs)}`;
    panel.classList.add("stored");
    void showHash(blob, stored.sha256);
  } catch (thrown) {
    const cancelled = thrown.name === "AbortError";
    panel.classList.add(cancelled ? "cancelled" : "failed");
    const sent = format.bytes(sentBytes);
    if (cancelled) {
      status.textContent = `You cancelled. Your browser had sent ${sent}.`;
      void tellFailure("sending-status", tellWhatWasRead(name, sentBytes));
    } else {
      status.textContent = `It failed when your browser had sent ${sent}: ${thrown.message}.`;
    }
  } finally {
    busy(false);
  }
}

/**
 * A browser counts what it has handed to its system, and tells it a little later; a plugin counts
 * what it has read. With a slow reader the buffers between the two are full: says both.
 */
async function tellWhatWasRead(name, toldBytes) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { uploads } = await ask("/plugins/files/");
    const seen = uploads.find((one) => one.name === name);
    if (!byId("sending").classList.contains("cancelled")) {
      return;
    }
    if (seen !== undefined && seen.outcome.state !== "running") {
      const sent = format.bytes(Math.max(toldBytes, seen.receivedBytes));
      byId("sending-status").textContent =
        `You cancelled. Your browser had sent ${sent}, of which the plugin had read ${format.bytes(seen.receivedBytes)}.`;
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function busy(on) {
  byId("sending-cancel").hidden = !on;
  byId("file-input").disabled = on;
  for (const button of byId("random-buttons").children) {
    button.disabled = on;
  }
}

function speed(bytes, startedMs) {
  return `${format.bytes(Math.round(bytes / Math.max(0.001, (performance.now() - startedMs) / 1000)))}/s`;
}

async function showHash(blob, sha256) {
  const line = byId("sending-hash");
  line.hidden = false;
  line.replaceChildren(`SHA-256 ${sha256}`);
  // Browsers offer crypto.subtle to secure pages alone: https, or localhost.
  if (crypto.subtle === undefined || blob.size > hashBytesMax) {
    return;
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  const own = Array.from(digest, (octet) => octet.toString(16).padStart(2, "0")).join("");
  line.append(
    own === sha256
      ? element("span", { class: "match" }, " ✓ the same as here")
      : element("span", { class: "mismatch" }, ` ✗ here it is ${own}`),
  );
}

function randomBlob(size) {
  const pieces = [];
  for (let made = 0; made < size; made += randomPieceBytes) {
    pieces.push(crypto.getRandomValues(new Uint8Array(Math.min(randomPieceBytes, size - made))));
  }
  return new Blob(pieces);
}

// ---- what the plugin says

let shownFiles = "";

async function refresh() {
  const { files, uploads } = await ask("/plugins/files/");
  byId("uploads").replaceChildren(
    ...(uploads.length === 0
      ? [note("Nothing yet.")]
      : uploads.slice(0, shownUploadsMax).map(uploadItem)),
  );
  // Drawn again only where it changed, so that a probe's answer stays.
  if (shownFiles !== JSON.stringify(files)) {
    shownFiles = JSON.stringify(files);
    byId("stored").replaceChildren(
      ...(files.length === 0 ? [note("No files yet.")] : files.map(fileItem)),
    );
  }
  return uploads.some(({ outcome }) => outcome.state === "running") ? 200 : 800;
}

function uploadItem({ name, expectedBytes, receivedBytes, outcome }) {
  const received = format.bytes(receivedBytes);
  const says = {
    running: () =>
      `read ${received}${expectedBytes === null ? "" : ` of ${format.bytes(expectedBytes)}`}`,
    stored: () => `stored, ${received}`,
    cancelled: () =>
      outcome.reason === "client-disconnected"
        ? `cancelled by the client when ${received} were read`
        : `broken off when ${received} were read, reason ${outcome.reason}`,
    failed: () => `failed when ${received} were read, reason ${outcome.reason}`,
  };
  return element(
    "li",
    { class: `upload ${outcome.state}` },
    element("span", { class: "name" }, name),
    element("span", { class: "figures" }, says[outcome.state]()),
  );
}

function fileItem({ name, sizeBytes, sha256 }) {
  const url = `/plugins/files/content/${encodeURIComponent(name)}`;
  const probe = element("div", { class: "probe", role: "status" });
  return element(
    "li",
    {},
    element("a", { href: url, download: name }, name),
    element("span", { class: "size" }, format.bytes(sizeBytes)),
    element("span", { class: "hash", title: `SHA-256 ${sha256 ?? "not known"}` }, sha256 ?? ""),
    element(
      "span",
      { class: "buttons" },
      element(
        "button",
        { class: "quiet", type: "button", onclick: () => void probeRanges(url, sizeBytes, probe) },
        "Probe ranges",
      ),
      confirmButton({ label: "Delete", question: "Really delete?", about: name }, () => {
        void tellFailure("stored-status", remove(name, url));
      }),
    ),
    probe,
  );
}

async function remove(name, url) {
  await ask(url, { method: "DELETE" });
  byId("stored-status").textContent = `${name} is deleted.`;
}

function note(text) {
  return element("li", { class: "empty" }, text);
}
