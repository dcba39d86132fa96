// Keeps the scanner for the time without network. `VERSION` and `FILES` stand above. Pages of codes always come from the
// network; only where that cannot be reached the scanner stands in for them, and says so.
const ROOT = new URL("./", self.location);
const OWN = `scan-${ROOT.pathname}-`; // one host may have two sites, each with its worker
const KEPT = `${OWN}${VERSION}`;
const OLDER = /^scan-[0-9a-f]{16}$/; // as they were named before sites could lie behind a path
const CODE_PAGE = /^[qcsi]\/[^/]+$/;
const SHELL = find("scan");
const BELOW = find("scan?below"); // never asked of the server
const NAMES = new Set(FILES.map(find));

function find(name) {
  return new URL(name, ROOT).href;
}

/** The page of the scanner as it stands at the address of a code, one folder below its own: its links begin with `./`. */
const moveBelow = async (page) => {
  const { headers } = page;
  return new Response((await page.text()).replaceAll('="./', '="../'), {
    headers: ["Content-Type", "Content-Security-Policy", "Permissions-Policy"].map((name) => [name, headers.get(name)]),
  });
};

self.addEventListener("install", (event) => {
  const fetchAll = async () => {
    const cache = await caches.open(KEPT);
    await cache.addAll([...NAMES].map((name) => new Request(name, { cache: "reload", credentials: "omit" })));
    await cache.put(BELOW, await moveBelow(await cache.match(SHELL)));
    await self.skipWaiting();
  };
  event.waitUntil(fetchAll());
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    const isOld = (name) => (name.startsWith(OWN) && name !== KEPT) || (ROOT.pathname === "/" && OLDER.test(name));
    await Promise.all((await caches.keys()).filter(isOld).map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

const fromKept = async (name) => (await (await caches.open(KEPT)).match(name)) ?? Response.error();

const askNetworkFirst = async (request, name) => {
  try {
    return await fetch(request);
  } catch {
    return fromKept(name);
  }
};

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== ROOT.origin || !pathname.startsWith(ROOT.pathname)) return;
  const name = `${origin}${pathname}`;
  if (request.mode === "navigate") {
    if (name === SHELL) event.respondWith(askNetworkFirst(request, SHELL));
    if (CODE_PAGE.test(pathname.slice(ROOT.pathname.length))) event.respondWith(askNetworkFirst(request, BELOW));
  } else if (NAMES.has(name)) {
    event.respondWith(askNetworkFirst(request, name));
  }
});
