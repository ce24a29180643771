import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { Http, HttpClock, HttpRequest } from '../http/types.ts';
import { againWhenCut } from './again-when-cut.ts';
import { registryError } from './errors.ts';
import { readRefusal } from './refusal.ts';
import { formatScope, type Scope } from './scope.ts';
import type { Credential } from './types.ts';

/** Bytes of a token server's answer; real ones have 5 KiB. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** Characters of a token: it has to fit a header, and servers take 8 to 32 KiB of them. */
const MAX_TOKEN = 24 * 1024;
/** Seconds that a token is good for when nothing is said (docs.docker.com, token specification), and at least. */
const MIN_LIFE_S = 60;
/** Seconds that are believed at most: a token that lives longer is asked for again. */
const MAX_LIFE_S = 24 * 3600;
/** Milliseconds before its end that a token is replaced: a request takes time, and clocks differ. */
const EARLY_MS = 10_000;
/** Tokens kept; an index of a whole registry would otherwise keep one per repository. */
const MAX_KEPT = 1000;

const CLIENT_ID = 'dobos';

/** What a token is asked with. */
export interface TokenAsk {
  /** The registry's host, with port: whose tokens these are. */
  readonly home: string;
  /** The token server, checked. */
  readonly realm: URL;
  readonly service?: string | undefined;
  readonly scopes: readonly Scope[];
  /** Shown to the token server; undefined: anonymous. */
  readonly credential?: Credential | undefined;
}

export interface Tokens {
  /** A token that is still good for a while. Many that ask at once wait for one answer. @throws REGISTRY_TOKEN */
  get(ask: TokenAsk, o?: CallOptions): Promise<string>;
  /** The registry refused this token: it is not given out again. */
  drop(ask: TokenAsk, token: string): void;
}

interface Kept {
  readonly token: string;
  /** Epoch milliseconds. */
  readonly goodUntil: number;
}

/** Tokens of all registries of one command (the distribution's token and OAuth2 specifications). In memory only. */
export function createTokens(http: Http, clock: HttpClock): Tokens {
  const kept = new Map<string, Kept>();
  const asked = new Map<string, Promise<Kept>>();

  const fetchOnce = (key: string, ask: TokenAsk): Promise<Kept> => {
    const running = asked.get(key);
    if (running !== undefined) return running;
    const fetching = fetchToken(http, clock, ask)
      .then((token) => {
        if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value ?? '');
        kept.set(key, token);
        return token;
      })
      .finally(() => asked.delete(key));
    asked.set(key, fetching);
    return fetching;
  };

  return {
    async get(ask, o = {}) {
      o.signal?.throwIfAborted();
      const key = keyOf(ask);
      const known = kept.get(key);
      if (known !== undefined && clock.now() < known.goodUntil) return known.token;
      return (await untilAborted(fetchOnce(key, ask), o.signal)).token;
    },
    drop(ask, token) {
      const key = keyOf(ask);
      if (kept.get(key)?.token === token) kept.delete(key);
    },
  };
}

function keyOf({ home, realm, service, scopes, credential }: TokenAsk): string {
  const who = credential === undefined ? 'anonymous' : 'known';
  return JSON.stringify([home, realm.href, service, who, ...scopes.map(formatScope)]);
}

/** What others wait for goes on when one of them no longer wants it. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

const fetchToken = (http: Http, clock: HttpClock, ask: TokenAsk): Promise<Kept> =>
  againWhenCut(() => fetchOnce(http, clock, ask));

async function fetchOnce(http: Http, clock: HttpClock, ask: TokenAsk): Promise<Kept> {
  const asOAuth2 = ask.credential?.kind === 'identity' ? oauth2Request(ask, ask.credential.token) : undefined;
  if (asOAuth2 !== undefined) {
    const answer = await http.request(asOAuth2);
    // A token server without OAuth2 says so by either; then the refresh token is a password.
    if (answer.status !== 404 && answer.status !== 405) return readToken(answer, clock, ask);
    await answer.discard();
  }
  return readToken(await http.request(tokenRequest(ask)), clock, ask);
}

function tokenRequest({ home, realm, service, scopes, credential }: TokenAsk): HttpRequest {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.append('service', service);
  for (const scope of scopes) url.searchParams.append('scope', formatScope(scope));
  const authorization = basicHeader(credential);
  return {
    method: 'GET',
    url: url.href,
    home,
    ...(authorization !== undefined && { secretHeaders: { authorization } }),
  };
}

function oauth2Request({ home, realm, service, scopes }: TokenAsk, refreshToken: string): HttpRequest {
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: CLIENT_ID });
  if (service !== undefined) form.set('service', service);
  form.set('scope', scopes.map(formatScope).join(' '));
  form.set('refresh_token', refreshToken);
  return {
    method: 'POST',
    url: realm.href,
    home,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: Buffer.from(form.toString()),
  };
}

/** The `Authorization` of a user and password; of an identity token where OAuth2 is not known; undefined for none. */
export function basicHeader(credential: Credential | undefined): string | undefined {
  if (credential === undefined || credential.kind === 'bearer') return undefined;
  const pair =
    credential.kind === 'basic' ? `${credential.username}:${credential.password}` : `:${credential.token}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

async function readToken(
  answer: Awaited<ReturnType<Http['request']>>,
  clock: HttpClock,
  ask: TokenAsk,
): Promise<Kept> {
  const { status } = answer;
  const bad = (why: string, more: { readonly says?: string | undefined; readonly cause?: unknown } = {}) => {
    const facts = { host: ask.home, realm: ask.realm.host, status, why, says: more.says };
    return registryError('REGISTRY_TOKEN', facts, { cause: more.cause });
  };
  if (status !== 200) throw bad(`answers with status ${status}`, await readRefusal(answer));
  let bytes: Buffer;
  try {
    bytes = await answer.bytes(MAX_ANSWER_BYTES);
  } catch (error) {
    if (!isDobosError(error, 'HTTP_BODY_TOO_LARGE')) throw error;
    throw bad(`answers with more than ${MAX_ANSWER_BYTES} bytes`, { cause: error });
  }
  const fields = jsonObject(bytes);
  if (fields === undefined) throw bad('answers with something else than a JSON object');
  const token = [fields.token, fields.access_token].find(
    (value) => typeof value === 'string' && value !== '',
  );
  if (typeof token !== 'string') throw bad('answers without a token');
  if (token.length > MAX_TOKEN || !/^[\x21-\x7e]+$/.test(token))
    throw bad('answers with a token that no header can hold');
  return { token, goodUntil: goodUntil(fields, clock.now()) };
}

function goodUntil({ expires_in, issued_at }: Readonly<Record<string, unknown>>, now: number): number {
  const said = typeof expires_in === 'number' && Number.isFinite(expires_in) ? expires_in : MIN_LIFE_S;
  const life = Math.min(MAX_LIFE_S, Math.max(MIN_LIFE_S, said)) * 1000;
  const issued = typeof issued_at === 'string' ? Date.parse(issued_at) : Number.NaN;
  // Another clock that is far from ours says nothing about when the token ends.
  const start = issued <= now && issued > now - life / 2 ? issued : now;
  return start + life - EARLY_MS;
}

function jsonObject(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
