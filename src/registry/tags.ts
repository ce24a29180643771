import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { HttpResponse } from '../http/types.ts';
import { registryError } from './errors.ts';
import { foreignText } from './foreign-text.ts';
import type { Place } from './place.ts';

/** Bytes of one page. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;
/** Tags of one repository. */
const MAX_TAGS = 1_000_000;
/** Pages of one repository: the smallest that registries make have 100 tags. */
const MAX_PAGES = 10_000;
/** Tags asked for at once: more is refused by docker-registry 3. */
const PAGE_TAGS = 1000;
const MAX_LINK = 2048;

const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** True for what the distribution specification calls a tag. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/**
 * All tags in the order the registry gives them, page by page (distribution-spec 1.1.1, listing tags). The next page is only ever read from the same scheme,
 * host and port; no page twice. What is not a tag is left out: it could not be pulled.
 * @throws REGISTRY_LINK, REGISTRY_TAGS, REGISTRY_NOT_FOUND, REGISTRY_DENIED
 */
export async function* listTags(place: Place, name: string, o: CallOptions): AsyncIterable<string> {
  const seen = new Set<string>();
  let count = 0;
  let response = await place.ask(`tags/list?n=${PAGE_TAGS}`, { method: 'GET' }, o);
  for (;;) {
    if (response.status !== 200) throw await place.refused(response, name);
    const next = nextPage(response, place.host, seen);
    if (next instanceof Error) {
      await response.discard();
      throw next;
    }
    for (const tag of await readPage(response, name)) {
      if (++count > MAX_TAGS)
        throw registryError('REGISTRY_TAGS', { name, why: `are more than ${MAX_TAGS}` });
      yield tag;
    }
    if (next === undefined) return;
    if (seen.size > MAX_PAGES)
      throw registryError('REGISTRY_TAGS', { name, why: `are on more than ${MAX_PAGES} pages` });
    response = await place.askAt(next, { method: 'GET' }, o);
  }
}

async function readPage(response: HttpResponse, name: string): Promise<string[]> {
  let bytes: Buffer;
  try {
    bytes = await response.bytes(MAX_PAGE_BYTES);
  } catch (error) {
    if (!isDobosError(error, 'HTTP_BODY_TOO_LARGE')) throw error;
    const why = `come in a page of more than ${MAX_PAGE_BYTES} bytes`;
    throw registryError('REGISTRY_TAGS', { name, why }, { cause: error });
  }
  let tags: unknown;
  try {
    tags = (JSON.parse(bytes.toString()) as { tags?: unknown } | null)?.tags;
  } catch (cause) {
    throw registryError('REGISTRY_TAGS', { name, why: 'are not JSON' }, { cause });
  }
  // docker-registry says null for none.
  if (tags === null || tags === undefined) return [];
  if (!Array.isArray(tags)) throw registryError('REGISTRY_TAGS', { name, why: 'are not a list' });
  return tags.filter((tag): tag is string => typeof tag === 'string' && isTag(tag));
}

/** Where the `Link` with rel="next" leads (RFC 8288); undefined after the last page. */
function nextPage(response: HttpResponse, host: string, seen: Set<string>): string | Error | undefined {
  seen.add(response.url);
  const link = linkTo('next', response.headers('link'));
  if (link === undefined) return undefined;
  const bad = (why: string) => registryError('REGISTRY_LINK', { host, link: foreignText(link, 150), why });
  if (link.length > MAX_LINK) return bad(`is longer than ${MAX_LINK} characters`);
  let url: URL;
  try {
    url = new URL(link, response.url);
  } catch {
    return bad('is not an address');
  }
  url.hash = '';
  if (url.origin !== new URL(response.url).origin || url.host !== host) return bad('is on another host');
  if (url.username !== '' || url.password !== '') return bad('has a user in its address');
  if (seen.has(url.href)) return bad('was read before');
  return url.href;
}

function linkTo(relation: string, headers: readonly string[]): string | undefined {
  for (const header of headers) {
    for (const [, target = '', params = ''] of header.slice(0, 8 * MAX_LINK).matchAll(/<([^<>]*)>([^<]*)/g)) {
      const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/i.exec(params);
      const relations = (rel?.[1] ?? rel?.[2] ?? '').toLowerCase().split(/\s+/);
      if (relations.includes(relation)) return target;
    }
  }
  return undefined;
}
