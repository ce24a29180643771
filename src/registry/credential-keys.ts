/** What Docker's files and helpers call Docker Hub. */
export const HUB_KEY = 'https://index.docker.io/v1/';
const HUB = 'docker.io';
const HUB_HOSTS: readonly string[] = [
  HUB,
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
];

/** `docker.io` for each name of Docker Hub, other hosts in lower case. */
export function plainHost(host: string): string {
  const lower = host.toLowerCase();
  return HUB_HOSTS.includes(lower) ? HUB : lower;
}

/**
 * A key of a credentials file as `host[:port][/path]`. Keys with a scheme are hosts only, as Docker and podman read them; `/v1` and `/v2` at the end are no path.
 */
export function plainKey(key: string): string {
  const scheme = /^https?:\/\//i.exec(key)?.[0] ?? '';
  const [host = '', ...path] = key.slice(scheme.length).replace(/\/+$/, '').split('/');
  const names = scheme !== '' || (path.length === 1 && /^v[12]$/.test(path[0]!)) ? [] : path;
  return [plainHost(host), ...names].join('/');
}

/** The keys under which a repository's credential may be, most specific first; the last is the host. */
export function keysFor(registry: string, repository: string): readonly string[] {
  const parts = repository.split('/').filter((part) => part !== '');
  const host = plainHost(registry);
  return Array.from({ length: parts.length + 1 }, (_, i) =>
    [host, ...parts.slice(0, parts.length - i)].join('/'),
  );
}

/** How Docker writes this key to its files and asks a helper for it. */
export const writtenKey = (plain: string): string => (plain === HUB ? HUB_KEY : plain);
