import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { collect } from '../../src/base/bytes.ts';
import { isDobosError } from '../../src/base/errors.ts';
import { createHttp } from '../../src/http/http.ts';
import type { Http, HttpClock } from '../../src/http/types.ts';
import { createUndiciTransport } from '../../src/http/undici-transport.ts';
import type { Descriptor, Digest } from '../../src/oci/types.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import type { Credential, Registry, Repository } from '../../src/registry/types.ts';
import type { LocalStore } from '../../src/store/contract.ts';
import { toArray } from '../../src/store/contract-fixtures.ts';
import { copy } from '../../src/store/copy.ts';
import { linksOf } from '../../src/store/manifest-links.ts';
import { randomOf } from './built-command.ts';
import { type FaultProxy, SIGNATURE } from './fault-proxy.ts';

export const USERS = { robot: 'open-sesame-4711' } as const;
/** What may be seen by the registry and its token server only, in any spelling. */
const SECRETS = [
  USERS.robot,
  Buffer.from(`robot:${USERS.robot}`).toString('base64'),
  Buffer.from(USERS.robot).toString('base64'),
];
/** How much faster time goes: what a client would wait a minute for takes it a good half second. */
const FASTER = 100;

/** Longest wait for the head or the next byte of an answer, in milliseconds. */
const PATIENCE_MS = 1500;

/** A clock that goes faster, and chance from a seed. */
export function fastClock(seed: number): HttpClock {
  const began = Date.now();
  return {
    now: () => began + (Date.now() - began) * FASTER,
    random: randomOf(seed),
    sleep: (ms, o = {}) =>
      new Promise((resolve, reject) => {
        const { signal } = o;
        if (signal?.aborted === true) return reject(signal.reason);
        const stop = (): void => {
          clearTimeout(timer);
          reject(signal?.reason);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', stop);
          resolve();
        }, ms / FASTER);
        signal?.addEventListener('abort', stop, { once: true });
      }),
  };
}

/** How one pull ended; `error` is undefined if it completed. */
export interface Ended {
  readonly error: unknown;
  readonly pulled: Descriptor | undefined;
}

/** Pulls the tag or digest through the proxy into the store, and names it, as `dobos pull` does. */
export async function pullThrough(
  proxy: FaultProxy,
  o: {
    readonly store: LocalStore;
    readonly reference: string;
    readonly seed: number;
    readonly ca?: string;
    /** Longest that it may take, in milliseconds: more hangs. */
    readonly longestMs?: number;
  },
): Promise<Ended> {
  const { http, from } = openRepository(proxy, o.seed, o.ca);
  const hangs = AbortSignal.timeout(o.longestMs ?? 150_000);
  try {
    const pulled = await pull(from, o.store, o.reference, hangs);
    return { error: undefined, pulled };
  } catch (error) {
    if (hangs.aborted) throw new Error(`hangs: ${JSON.stringify(proxy.plan)}`, { cause: error });
    return { error, pulled: undefined };
  } finally {
    await http.close();
  }
}

/** Reads all tags; what came of it. */
export async function tagsThrough(proxy: FaultProxy, ca: string): Promise<{ readonly error: unknown }> {
  const { http, from } = openRepository(proxy, 1, ca);
  try {
    await toArray(from.tags());
    return { error: undefined };
  } catch (error) {
    return { error };
  } finally {
    await http.close();
  }
}

/** The client of a proxy, with credentials as its plan says. */
export function openClient(
  proxy: FaultProxy,
  seed: number,
  ca: string | undefined,
): { readonly http: Http; readonly registry: Registry } {
  const { auth, tls } = proxy.plan;
  const clock = fastClock(seed);
  const http = createHttp({
    userAgent: 'dobos/test',
    clock,
    transport: createUndiciTransport({
      headersMs: PATIENCE_MS,
      slowHeadersMs: PATIENCE_MS,
      sendMs: PATIENCE_MS,
      bodyIdleMs: PATIENCE_MS,
    }),
    tls: async () => (tls && ca !== undefined ? { ca: [ca] } : undefined),
  });
  const credential: Credential | undefined =
    auth === undefined || auth.credentials === 'none'
      ? undefined
      : { kind: 'basic', username: 'robot', password: auth.credentials === 'right' ? USERS.robot : 'guess' };
  const registry = createRegistry({
    http,
    clock,
    credentials: { find: async () => ({ credential }) },
    endpoints: {
      find: async (host, repository) => [
        { base: `${tls ? 'https' : 'http'}://${host}`, repository, mirror: false },
      ],
    },
  });
  return { http, registry };
}

function openRepository(
  proxy: FaultProxy,
  seed: number,
  ca: string | undefined,
): { readonly http: Http; readonly from: Repository } {
  const { http, registry } = openClient(proxy, seed, ca);
  return { http, from: registry.repository(proxy.host, 'app') };
}

async function pull(
  from: Repository,
  store: LocalStore,
  reference: string,
  signal: AbortSignal,
): Promise<Descriptor> {
  const lease = await store.lease();
  try {
    const root = await from.resolve(reference, { signal });
    await copy(from, store, root, { signal });
    await store.tag(`${from.registry}/app:pulled`, root);
    return root;
  } finally {
    await lease.release();
  }
}

/** What is wrong with how a pull ended; nothing, if it is as it must be. */
export async function wrongsOf(
  ended: Ended,
  proxy: FaultProxy,
  store: LocalStore,
  wanted: Digest,
  o: { readonly lines?: number } = {},
): Promise<string[]> {
  const wrongs: string[] = [];
  for (const problem of await toArray(store.check())) wrongs.push(`the store: ${JSON.stringify(problem)}`);
  const names = await toArray(store.list());
  if (ended.error === undefined) {
    if (ended.pulled?.digest !== wanted) wrongs.push(`pulled ${ended.pulled?.digest}, want ${wanted}`);
    if (names.length !== 1) wrongs.push(`${names.length} names`);
    if (ended.pulled !== undefined) wrongs.push(...(await missingBelow(store, ended.pulled)));
  } else {
    wrongs.push(...wrongsOfError(ended.error, proxy, o.lines ?? 1));
    if (names.length !== 0) wrongs.push(`it failed, and ${names[0]![0]} is there`);
    for (const file of readdirSync(join(store.folder!, 'blobs', 'sha256')))
      if (!/^[0-9a-f]{64}$/.test(file)) wrongs.push(`a blob of the name ${file}`);
  }
  return [...wrongs, ...leaksOf(proxy)];
}

/** An error must be one of ours, be said in so many lines, and show no secret. */
export function wrongsOfError(error: unknown, proxy: FaultProxy, lines: number): string[] {
  if (!isDobosError(error)) return [`not an error of ours: ${error instanceof Error ? error.stack : error}`];
  const wrongs: string[] = [];
  const { code, message, hint = '', facts } = error;
  if (!/^[A-Z]+(_[A-Z0-9]+)+$/.test(code)) wrongs.push(`the code ${code}`);
  if (message.trim().length < 10 || /\bat .*:\d+:\d+|\[object|undefined|NaN/.test(message))
    wrongs.push(`the message ${message}`);
  if (message.split('\n').length > lines) wrongs.push(`a message of several lines: ${message}`);
  if (message.length > 1000) wrongs.push(`a message of ${message.length} characters`);
  const said = [message, hint, JSON.stringify(facts), ...causesOf(error)].join('\n');
  for (const secret of secretsOf(proxy)) if (said.includes(secret)) wrongs.push(`${secret} in ${said}`);
  return wrongs;
}

const secretsOf = (proxy: FaultProxy): readonly string[] => [
  ...SECRETS,
  SIGNATURE,
  ...(proxy.tokens?.secrets() ?? []),
];

function* causesOf(error: Error): Iterable<string> {
  for (let at: unknown = error.cause; at instanceof Error; at = at.cause)
    yield `${at.message} ${JSON.stringify(at)}`;
}

/** Whatever proves who asks, where it must not be. */
export function leaksOf(proxy: FaultProxy): string[] {
  const wrongs: string[] = [];
  for (const { at, url, headers } of proxy.seen) {
    if (at === 'private') wrongs.push(`the private address was asked for ${url}`);
    if (at === 'registry') continue;
    for (const name of ['authorization', 'cookie', 'proxy-authorization'])
      if (headers[name] !== undefined) wrongs.push(`${name} at ${at}: ${String(headers[name])}`);
    const whole = `${url} ${JSON.stringify(headers)}`;
    for (const secret of [...SECRETS, ...(proxy.tokens?.secrets() ?? [])])
      if (whole.includes(secret)) wrongs.push(`${secret} at ${at}`);
  }
  for (const { method, headers } of proxy.tokens?.requests ?? [])
    if (headers.cookie !== undefined || /^Bearer/i.test(headers.authorization ?? ''))
      wrongs.push(`a cookie or a token of the registry at the token server (${method})`);
  return wrongs;
}

/** All that the image refers to must be there; that the bytes are right is what `check` looks at. */
async function missingBelow(store: LocalStore, root: Descriptor): Promise<string[]> {
  if (!(await store.has(root))) return [`${root.digest} is missing`];
  if (!/manifest|index/.test(root.mediaType)) return [];
  const { links } = linksOf(await collect(store.open(root), 1 << 22));
  return (await Promise.all(links.map((link) => missingBelow(store, link)))).flat();
}
