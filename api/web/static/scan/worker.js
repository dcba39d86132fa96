// Keeps the scanner for the time without network. `VERSION` and `FILES` stand above. Pages of codes always come from the
// network; only where that cannot be reached the scanner stands in for them, and says so.
const KEPT = `scan-${VERSION}`;
const SHELL = "/scan";
const CODE_PAGE = /^\/[qcsi]\/[^/]+$/;

self.addEventListener("install", (event) => {
  const fetchAll = async () => {
    const cache = await caches.open(KEPT);
    await cache.addAll(FILES.map((path) => new Request(path, { cache: "reload", credentials: "omit" })));
    await self.skipWaiting();
  };
  event.waitUntil(fetchAll());
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith("scan-") && name !== KEPT);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

const fromKept = async (path) => (await (await caches.open(KEPT)).match(path)) ?? Response.error();

const askNetworkFirst = async (request, path) => {
  try {
    return await fetch(request);
  } catch {
    return fromKept(path);
  }
};

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    if (pathname === SHELL || CODE_PAGE.test(pathname)) event.respondWith(askNetworkFirst(request, SHELL));
  } else if (FILES.includes(pathname)) {
    event.respondWith(askNetworkFirst(request, pathname));
  }
});
