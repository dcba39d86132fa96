// Keeps the files of the page, and nothing else: answers of the office pass by. `VERSION` and `FILES` stand above.
const KEPT = `round-${VERSION}`;

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
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith("round-") && name !== KEPT);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  const isOurs = event.request.method === "GET" && address.origin === self.location.origin;
  if (!isOurs || !FILES.includes(address.pathname)) return;
  const answer = async () => {
    const cache = await caches.open(KEPT);
    return (await cache.match(address.pathname)) ?? fetch(event.request);
  };
  event.respondWith(answer());
});
