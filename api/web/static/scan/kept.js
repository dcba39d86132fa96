// What every device keeps for the time without network: trust list, policy, rules. What it has looked at is in seen.js.
import { find } from "./root.js";

const CACHE = "hengzheng-kept";
const FILES = ["/policy.json", "/rules.json", "/trust.json"];

const keep = async (cache, path) => {
  const answer = await fetch(find(path), { cache: "no-cache", credentials: "omit" }).catch(() => null);
  if (answer?.ok) await cache.put(find(path), answer);
};

/** Fetch what is kept anew; what cannot be fetched stays as it was. */
export const refresh = async () => {
  if (!("caches" in self) || !navigator.onLine) return;
  const cache = await caches.open(CACHE);
  await Promise.all(FILES.map((path) => keep(cache, path)));
};

/** Return a file that is kept, as text; null where there is none. */
export const recall = async (path) => {
  if (!("caches" in self)) return null;
  const cache = await caches.open(CACHE);
  const found = await cache.match(find(path));
  return found ? found.text() : null;
};
