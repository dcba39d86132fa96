// Where this site lies on its host: at the root, or behind a path that a proxy has put in front. Addresses are written
// from the root of the site everywhere else (`/c/7KQ2M9X0…`), and translated here.
const ROOT = new URL("../../", import.meta.url);

/** The root of the site, as a scope of a service worker. */
export const SCOPE = ROOT.pathname;

/** The full address of a path of this site. */
export const find = (path) => new URL(`.${path}`, ROOT).href;

/** A path of this host as a path of this site. */
export const fromHost = (path) => (path.startsWith(SCOPE) ? path.slice(SCOPE.length - 1) : path);
