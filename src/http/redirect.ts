import { httpError } from './errors.ts';
import { MAX_REDIRECTS } from './limits.ts';
import { redactUrl } from './redact.ts';
import { hostWithoutPort } from './target.ts';
import type { HttpMethod } from './types.ts';

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** True for a status that names another place to ask. */
export const isRedirect = (status: number): boolean => REDIRECTS.has(status);

export interface Hop {
  readonly status: number;
  readonly location: string | undefined;
  readonly method: HttpMethod;
  /** All URLs asked so far, the last one gave this answer. */
  readonly visited: readonly URL[];
  readonly home: string;
  readonly insecure: ((host: string) => boolean) | undefined;
}

/**
 * Where the answer leads, without its fragment. What may be talked to at all is not decided here.
 * Only GET and HEAD are led to other places; other methods by 307 and 308, and within their origin.
 * @throws HTTP_REDIRECT, HTTP_DOWNGRADE
 */
export function nextHop(hop: Hop): URL {
  const from = hop.visited.at(-1)!;
  const refuse = (problem: string) => httpError('HTTP_REDIRECT', { host: from.host, problem });
  if (hop.visited.length > MAX_REDIRECTS) throw refuse(`more than ${MAX_REDIRECTS} redirects`);
  const to = parseLocation(hop.location, from, refuse);
  if (hop.visited.some((url) => url.href === to.href))
    throw refuse(`it leads in a circle to ${redactUrl(to)}`);
  const safe = hop.method === 'GET' || hop.method === 'HEAD';
  if (!safe && !((hop.status === 307 || hop.status === 308) && to.origin === from.origin)) {
    throw refuse(`${hop.method} is not led to ${redactUrl(to)} by status ${hop.status}`);
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    const meant = hop.insecure?.(to.host) === true && hostWithoutPort(to.host) === hostWithoutPort(hop.home);
    if (!meant) throw httpError('HTTP_DOWNGRADE', { from: from.host, to: to.host });
  }
  return to;
}

function parseLocation(location: string | undefined, from: URL, refuse: (problem: string) => Error): URL {
  if (location === undefined || location === '') throw refuse('it names no location');
  // The URL parser drops tabs and line ends without a word.
  if (/[\x00-\x20\x7f]/.test(location)) throw refuse('its location has blanks or control characters');
  if (!URL.canParse(location, from.href)) throw refuse('its location is not a URL');
  const to = new URL(location, from.href);
  if (to.protocol !== 'http:' && to.protocol !== 'https:')
    throw refuse(`it leads to the scheme ${to.protocol.slice(0, -1).slice(0, 40)}`);
  if (to.username !== '' || to.password !== '') throw refuse('its location has a user or password');
  to.hash = '';
  return to;
}
