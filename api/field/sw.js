// Keeps the app itself, one cache per build, and nothing else: what is sent and what is asked of
// the server never passes through here. A new build waits until the inspector agrees to it.

const BUILD = "$build";
const CACHE = "field-" + BUILD;
const PAGE = "$page";
const FILES = $files;
const KEPT = new Set(FILES);

self.addEventListener("install", (event) => {
  event.waitUntil(keepFiles());
});

async function keepFiles() {
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES.map((file) => new Request(file, { credentials: "omit" })));
  await cache.add(new Request(PAGE, { cache: "reload", credentials: "omit" }));
  // A release between the two requests would pair the page of one build with the files of another.
  const page = await (await cache.match(PAGE)).text();
  if (!page.includes('data-build="' + BUILD + '"')) {
    await caches.delete(CACHE);
    throw new Error("the server has moved on to another build");
  }
}

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => self.clients.claim()));
});

async function forgetOthers() {
  for (const name of await caches.keys()) {
    if (name.startsWith("field-") && name !== CACHE) await caches.delete(name);
  }
}

self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== self.location.origin) return;
  if (request.mode === "navigate" && address.pathname === PAGE) {
    event.respondWith(answer(PAGE, request));
  } else if (KEPT.has(address.pathname)) {
    event.respondWith(answer(address.pathname, request));
  }
});

async function answer(path, request) {
  const kept = await (await caches.open(CACHE)).match(path);
  return kept || fetch(request);
}
