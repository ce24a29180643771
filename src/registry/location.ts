import type { HttpResponse } from '../http/types.ts';
import { registryError } from './errors.ts';
import { foreignText } from './foreign-text.ts';

/** Characters of a location; signed ones are some KiB. */
const MAX_LOCATION = 16 * 1024;

/**
 * Where an upload goes on, as the answer says: absolute, or relative to what was asked (distribution-spec 1.1.1, pushing a blob). It may be on another host, which
 * is then asked like one that a redirect leads to: nothing is shown to it. From TLS it never leads to plain HTTP: a registry that does not know of the TLS
 * before it names its own host so, and TLS is kept.
 * @throws REGISTRY_LOCATION
 */
export function uploadLocation(response: HttpResponse, host: string): string {
  const location = response.header('location');
  const bad = (why: string) =>
    registryError('REGISTRY_LOCATION', { host, location: shown(location ?? 'nothing'), why });
  if (location === undefined || location === '') throw bad('is no address');
  if (location.length > MAX_LOCATION) throw bad(`is longer than ${MAX_LOCATION} characters`);
  if (/[\x00-\x20\x7f]/.test(location)) throw bad('has blanks or control characters');
  if (!URL.canParse(location, response.url)) throw bad('is no address');
  const url = new URL(location, response.url);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw bad('is not HTTP');
  if (url.username !== '' || url.password !== '') throw bad('has a user in its address');
  url.hash = '';
  const asked = new URL(response.url);
  if (asked.protocol === 'https:' && url.protocol === 'http:') {
    if (url.host !== asked.host) throw bad('is plain HTTP');
    url.protocol = 'https:';
  }
  return url.href;
}

/** Without what a query or a user may prove. */
const shown = (location: string): string =>
  foreignText(location.replace(/\?.*$/s, '?…').replace(/\/\/[^/]*@/, '//…@'), 150);
