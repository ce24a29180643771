import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { collect } from '../../src/base/bytes.ts';
import type { Descriptor } from '../../src/oci/types.ts';
import type { BlobSource, Refs } from '../../src/store/contract.ts';
import { isManifest, linksOf } from '../../src/store/manifest-links.ts';
import { createTokenDesk, type TokenAuth } from './token-desk.ts';

export interface ServeOptions {
  /** What the registry asks for; nothing when absent. */
  readonly auth?:
    | { readonly basic: { readonly username: string; readonly password: string } }
    | { readonly token: TokenAuth }
    | undefined;
  /** Sees every request first; true: it answered, or will. Faults of all kinds go here. */
  readonly before?:
    | ((req: IncomingMessage, res: ServerResponse, seen: SeenRequest) => boolean | Promise<boolean>)
    | undefined;
  /** Whether blobs are given in parts; true when absent. */
  readonly ranges?: boolean | undefined;
  /** Where a blob is instead: answered by 307. */
  readonly redirect?: ((blob: Descriptor) => string | undefined) | undefined;
  /** Tags on one page; the client's `n` when absent. */
  readonly tagsPerPage?: number | undefined;
  /** PEM; HTTPS when present. */
  readonly tls?: { readonly key: string; readonly cert: string } | undefined;
}

export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export interface ServedStore {
  /** `127.0.0.1:40001` */
  readonly host: string;
  /** Every request in the order it came, the token desk's too. */
  readonly requests: readonly SeenRequest[];
  /** Tokens given out so far are refused from now on. */
  expireTokens(): void;
  close(): Promise<void>;
}

/**
 * A read-only registry of what the store's names reach. The tag `t` of repository `r` is the name `r:t`, `docker.io/r:t` or `<host>/r:t`.
 * Blobs are visible in every repository. A manifest is not found when its type is not accepted, as in docker-registry.
 */
export async function serveStore(
  store: BlobSource & Pick<Refs, 'resolve' | 'list'>,
  o: ServeOptions = {},
): Promise<ServedStore> {
  const requests: SeenRequest[] = [];
  const answerable = new Set<ServerResponse>();
  let host = '';
  const scheme = o.tls === undefined ? 'http' : 'https';
  const desk =
    o.auth !== undefined && 'token' in o.auth
      ? createTokenDesk(o.auth.token, () => `${scheme}://${host}/token`)
      : undefined;

  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const seen: SeenRequest = {
      method: req.method ?? '',
      url: req.url ?? '',
      headers: req.headers as SeenRequest['headers'],
    };
    requests.push(seen);
    if ((await o.before?.(req, res, seen)) === true) return;
    const url = new URL(seen.url, `${scheme}://${host}`);
    if (desk !== undefined && url.pathname === '/token') return desk.answer(req, res, url);
    const refused = desk?.refuse(req, url) ?? refuseBasic(o, req);
    if (refused !== undefined) {
      res.setHeader('www-authenticate', refused);
      return fail(res, 401, 'UNAUTHORIZED', 'authentication required');
    }
    if (url.pathname === '/v2/' || url.pathname === '/v2') return void res.writeHead(200).end('{}');
    const match = /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(url.pathname);
    if (match === null || (req.method !== 'GET' && req.method !== 'HEAD')) {
      return fail(res, 404, 'UNSUPPORTED', 'the operation is unsupported');
    }
    const [, repository = '', kind, name = ''] = match;
    if (kind === 'tags') return tags(res, url, repository);
    if (kind === 'blobs') return blob(req, res, name);
    return manifest(req, res, repository, decodeURIComponent(name));
  };

  const prefixes = (repository: string) => [`${host}/${repository}`, `docker.io/${repository}`, repository];

  const reached = async (digest: string): Promise<Descriptor | undefined> => {
    const done = new Set<string>();
    const visit = async (at: Descriptor): Promise<Descriptor | undefined> => {
      if (at.digest === digest) return at;
      if (done.has(at.digest) || !isManifest(at)) return undefined;
      done.add(at.digest);
      for (const link of linksOf(await collect(store.open(at), 8 << 20)).links) {
        const found = await visit(link);
        if (found !== undefined) return found;
      }
      return undefined;
    };
    for await (const [, target] of store.list()) {
      const found = await visit(target);
      if (found !== undefined) return found;
    }
    return undefined;
  };

  const manifest = async (req: IncomingMessage, res: ServerResponse, repository: string, name: string) => {
    let found: Descriptor | undefined;
    if (name.includes(':')) found = await reached(name);
    else {
      for (const prefix of prefixes(repository)) {
        found ??= await store.resolve(`${prefix}:${name}`).catch(() => undefined);
      }
    }
    if (found === undefined || !(req.headers.accept ?? '').includes(found.mediaType)) {
      return fail(res, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
    }
    const bytes = await collect(store.open(found), 8 << 20);
    res.writeHead(200, {
      'content-type': found.mediaType,
      'content-length': bytes.length,
      'docker-content-digest': found.digest,
    });
    res.end(req.method === 'HEAD' ? undefined : bytes);
  };

  const blob = async (req: IncomingMessage, res: ServerResponse, digest: string) => {
    const found = await reached(digest);
    if (found === undefined || !(await store.has(found))) {
      return fail(res, 404, 'BLOB_UNKNOWN', 'blob unknown to registry');
    }
    const elsewhere = o.redirect?.(found);
    if (elsewhere !== undefined) return void res.writeHead(307, { location: elsewhere }).end();
    const range = o.ranges === false ? null : /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? '');
    const start = Number(range?.[1] ?? 0);
    const end = Math.min(found.size, range?.[2] ? Number(range[2]) + 1 : found.size);
    if (range !== null && start >= found.size) {
      return void res.writeHead(416, { 'content-range': `bytes */${found.size}` }).end();
    }
    res.writeHead(range === null ? 200 : 206, {
      'content-type': 'application/octet-stream',
      'content-length': end - start,
      'docker-content-digest': found.digest,
      ...(range !== null && { 'content-range': `bytes ${start}-${end - 1}/${found.size}` }),
    });
    if (req.method === 'HEAD') return void res.end();
    const bytes =
      range === null ? store.open(found) : store.open(found, { range: { offset: start, size: end - start } });
    Readable.from(bytes)
      .on('error', () => res.destroy())
      .pipe(res);
  };

  const tags = async (res: ServerResponse, url: URL, repository: string) => {
    const all = new Set<string>();
    for await (const [name] of store.list()) {
      for (const prefix of prefixes(repository)) {
        if (name.startsWith(`${prefix}:`)) all.add(name.slice(prefix.length + 1));
      }
    }
    if (all.size === 0) return fail(res, 404, 'NAME_UNKNOWN', 'repository name not known to registry');
    const last = url.searchParams.get('last') ?? '';
    const rest = [...all].sort().filter((tag) => tag > last);
    const page = rest.slice(0, o.tagsPerPage ?? Number(url.searchParams.get('n') ?? rest.length));
    if (page.length < rest.length) {
      res.setHeader('link', `</v2/${repository}/tags/list?n=${page.length}&last=${page.at(-1)}>; rel="next"`);
    }
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(JSON.stringify({ name: repository, tags: page }));
  };

  const listener: RequestListener = (req, res) => {
    answerable.add(res);
    res.on('close', () => answerable.delete(res));
    answer(req, res).catch(() => res.destroy());
  };
  const server = o.tls === undefined ? createServer(listener) : createTlsServer(o.tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    requests,
    expireTokens: () => desk?.expire(),
    async close() {
      for (const res of answerable) res.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An error as the distribution specification spells it. */
export function fail(res: ServerResponse, status: number, code: string, message: string): void {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ errors: [{ code, message }] }));
}

/** The challenge when the request lacks the right user and password. */
function refuseBasic(o: ServeOptions, req: IncomingMessage): string | undefined {
  if (o.auth === undefined || !('basic' in o.auth)) return undefined;
  const { username, password } = o.auth.basic;
  const right = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  return req.headers.authorization === right ? undefined : 'Basic realm="registry"';
}
