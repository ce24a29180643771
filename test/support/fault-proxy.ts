import { once } from 'node:events';
import { createServer, type IncomingMessage, request as plainRequest, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import type { Certificates } from './certificates.ts';
import { breakAnswer, type UpstreamAnswer } from './fault-answers.ts';
import type { Elsewhere, Fault, FaultPlan, FaultTarget, PlannedFault } from './fault-plan.ts';
import { NO_FAULTS } from './fault-plan.ts';
import { startTokenServer, type TokenServer } from './token-server.ts';

/** One request, as a server of the test saw it. */
export interface Seen {
  readonly at: 'registry' | 'cdn' | 'private';
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly target: FaultTarget | undefined;
  /** What went wrong with it; undefined if nothing did. */
  fault?: string;
  /** Bytes of its body that were handed to the connection. */
  bodyBytes: number;
  /** Bytes of the request's own body that came. */
  sentBytes: number;
}

/** A registry that another one stands behind, and the hosts that it may lead to; it behaves as the plan in use says. */
export interface FaultProxy {
  /** Where to pull from: `127.0.0.1:43211`. */
  readonly host: string;
  readonly plan: FaultPlan;
  readonly tokens: TokenServer | undefined;
  readonly seen: readonly Seen[];
  /** Bytes of blobs that were sent, from wherever. */
  blobBytes(): number;
  /** The faults end; tokens and addresses stay. */
  heal(): void;
  stop(): Promise<void>;
}

export interface FaultProxyOptions {
  /** `127.0.0.1:43210`, spoken to plainly. */
  readonly upstream: string;
  readonly plan?: FaultPlan;
  readonly certificates?: Certificates;
  readonly users?: Readonly<Record<string, string>>;
  /** Headers for every request to the registry behind: a Basic password, when it asks for one. */
  readonly upstreamHeaders?: Readonly<Record<string, string>>;
}

const SERVICE = 'faulty.example';
/** Manifests and small blobs are held whole to be broken; what is larger passes through. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;

export async function startFaultProxy(o: FaultProxyOptions): Promise<FaultProxy> {
  const plan = o.plan ?? NO_FAULTS;
  const seen: Seen[] = [];
  const counts = new Map<PlannedFault, number>();
  let redirects = 0;
  let healed = false;
  const { auth } = plan;
  const tokens =
    auth === undefined
      ? undefined
      : await startTokenServer({
          anonymous: auth.anonymous,
          oauth: auth.oauth,
          ...(o.users === undefined ? {} : { users: o.users }),
          ...(auth.usesPerToken === undefined ? {} : { usesPerToken: auth.usesPerToken }),
          fault: (request, response) => {
            const fault = takeFault('token');
            if (fault === undefined) return false;
            const answer = {
              status: 200,
              headers: {},
              bytes: Buffer.from('{"token":"tok-of-a-broken-answer"}'),
            };
            breakAnswer(fault.fault, answer, request, response);
            return true;
          },
        });

  const servers = new Map<Seen['at'], Server>();
  const open = async (at: Seen['at'], address: string, tls: boolean): Promise<string> => {
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      void answer(at, request, response).catch(() => response.destroy());
    };
    const server = tls
      ? createTlsServer({ cert: o.certificates!.cert, key: o.certificates!.key }, handle)
      : createServer(handle);
    server.listen(0, address);
    await once(server, 'listening');
    servers.set(at, server);
    return `${address}:${(server.address() as AddressInfo).port}`;
  };
  const cdn = await open('cdn', '127.0.0.1', false);
  const foreign = await open('private', '127.0.0.2', false);
  const host = await open('registry', '127.0.0.1', plan.tls);

  function takeFault(target: FaultTarget | undefined): PlannedFault | undefined {
    if (healed || target === undefined) return undefined;
    let taken: PlannedFault | undefined;
    for (const planned of plan.faults.filter(({ on }) => on === target)) {
      const count = counts.get(planned) ?? 0;
      counts.set(planned, count + 1);
      if (count < planned.after || count >= planned.after + (planned.times ?? Number.POSITIVE_INFINITY))
        continue;
      taken ??= planned;
    }
    return taken;
  }

  async function answer(at: Seen['at'], request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '/', headers } = request;
    const target = targetOf(at, url);
    const record: Seen = { at, method, url, headers, target, bodyBytes: 0, sentBytes: 0 };
    seen.push(record);
    countBytes(response, record);
    if (plan.cookies) response.setHeader('set-cookie', `session=cookie-of-${at}; Path=/`);
    if (isDead()) return void request.socket.resetAndDestroy();
    if (at === 'registry' && !isAllowed(method, url, headers.authorization, response)) return;
    if (target === 'blob' && mayRedirect()) {
      redirects++;
      record.fault = `redirect to ${plan.redirect!.to}`;
      const location = placeOf(plan.redirect!.to, url);
      response.writeHead(plan.redirect!.status, { location, 'content-length': 0 }).end();
      return;
    }
    const planned = takeFault(target);
    record.fault = planned?.fault.kind ?? '';
    const upstream = await askUpstream(o, request, record, planned?.fault);
    if (upstream === undefined) return;
    const size = Number(upstream.headers['content-length'] ?? 0);
    if (planned === undefined && size > MAX_HELD_BYTES) return passOn(upstream, response);
    const bytes = method === 'HEAD' ? Buffer.alloc(0) : await bytesOf(upstream);
    const page =
      plan.nextPage === undefined || !url.includes('/tags/list')
        ? {}
        : { link: `<${placeOf(plan.nextPage, `${url.replace(/\?.*/, '')}?last=1`)}>; rel="next"` };
    const whole: UpstreamAnswer = {
      status: upstream.statusCode ?? 502,
      headers: { ...kept(upstream.headers), ...page, ...locationOf(upstream) },
      bytes,
    };
    const left = (plan.deadAfterBytes ?? Number.POSITIVE_INFINITY) - blobBytes();
    if (planned !== undefined && bytes.length >= (planned.leastBytes ?? 0))
      breakAnswer(planned.fault, whole, request, response);
    else if (!healed && target === 'blob' && left < bytes.length)
      breakAnswer({ kind: 'cut', share: left / bytes.length }, whole, request, response);
    else response.writeHead(whole.status, whole.headers).end(bytes);
  }

  function locationOf({ headers: { location } }: IncomingMessage): Readonly<Record<string, string>> {
    if (location === undefined || plan.uploadsTo === undefined || !/\/blobs\/uploads\//.test(location))
      return {};
    if (healed && (plan.uploadsTo !== 'cdn' || plan.tls)) return {};
    const { pathname, search } = new URL(location);
    const to = placeOf(plan.uploadsTo, `${pathname}${search}`);
    return { location: to.replace(/\?X-Signature=[^&]*$/, '') };
  }

  function isAllowed(
    method: string,
    url: string,
    authorization: string | undefined,
    response: ServerResponse,
  ): boolean {
    if (auth === undefined) return true;
    const repository = /^\/v2\/(.+?)\/(?:manifests|blobs|tags)\//.exec(url)?.[1];
    const actions = method === 'GET' || method === 'HEAD' ? 'pull' : 'pull,push';
    const [, token] = /^Bearer (.+)$/i.exec(authorization ?? '') ?? [];
    const use =
      token === undefined || repository === undefined ? 'unknown' : tokens!.use(token, repository, actions);
    if (use === 'fine') return true;
    const scope = repository === undefined ? '' : `,scope="repository:${repository}:${actions}"`;
    const realm = auth.realm === 'token-server' ? tokens!.realm : placeOf(auth.realm, '/token');
    const problem = use === 'used-up' ? ',error="invalid_token"' : '';
    response.writeHead(401, {
      'www-authenticate': `Bearer realm="${realm}",service="${SERVICE}"${scope}${problem}`,
      'content-type': 'application/json',
    });
    response.end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}');
    return false;
  }

  const blobBytes = (): number =>
    seen.reduce((sum, one) => sum + (one.target === 'blob' || one.target === 'cdn' ? one.bodyBytes : 0), 0);
  const isDead = (): boolean =>
    !healed && plan.deadAfterBytes !== undefined && blobBytes() >= plan.deadAfterBytes;

  const mayRedirect = (): boolean => {
    const { redirect } = plan;
    if (redirect === undefined) return false;
    if (healed && (redirect.to !== 'cdn' || plan.tls)) return false;
    return redirects < (redirect.times ?? Number.POSITIVE_INFINITY);
  };

  function placeOf(to: Elsewhere, url: string): string {
    switch (to) {
      case 'cdn':
      case 'plain':
        return `http://${cdn}${url}?X-Signature=${SIGNATURE}`;
      case 'private':
        return `http://${foreign}${url}`;
      case 'link-local':
        return `http://169.254.169.254${url}`;
      case 'loop':
        return url;
      case 'nonsense':
        return 'http://[';
      case 'file':
        return 'file:///etc/passwd';
    }
  }

  return {
    host,
    plan,
    tokens,
    seen,
    blobBytes,
    heal: () => {
      healed = true;
    },
    async stop() {
      await tokens?.stop();
      for (const server of servers.values()) {
        (server as ReturnType<typeof createServer>).closeAllConnections();
        server.close();
        await once(server, 'close');
      }
    },
  };
}

/** Proves who may read a redirected blob: no message may show it. */
export const SIGNATURE = 'sig-of-the-redirect';

function targetOf(at: Seen['at'], url: string): FaultTarget | undefined {
  if (at === 'cdn') return 'cdn';
  if (/\/manifests\//.test(url)) return 'manifest';
  if (/\/blobs\/uploads\//.test(url)) return 'upload';
  return /\/blobs\//.test(url) ? 'blob' : undefined;
}

/** Bodies only: heads are written apart. */
function countBytes(response: ServerResponse, record: Seen): void {
  const counted =
    (write: (...args: never[]) => unknown) =>
    (...args: unknown[]): unknown => {
      if (args[0] instanceof Uint8Array) record.bodyBytes += args[0].length;
      return write.apply(response, args as never[]);
    };
  const { write, end } = response;
  response.write = counted(write as never) as typeof write;
  response.end = ((...args: unknown[]) => {
    if (args[0] instanceof Uint8Array) record.bodyBytes += args[0].length;
    // `end` calls `write` of its own accord in some versions: the bytes are counted here.
    response.write = write;
    return end.apply(response, args as never);
  }) as typeof end;
}

/** The answer of the registry behind; undefined if the connection was broken before all of the request had come. */
async function askUpstream(
  o: FaultProxyOptions,
  request: IncomingMessage,
  record: Seen,
  fault: Fault | undefined,
): Promise<IncomingMessage | undefined> {
  const { authorization: _, host, connection: __, range, ...headers } = request.headers;
  const [hostname = '', port] = o.upstream.split(':');
  const path = (request.url ?? '/').replace(/\?X-Signature=.*/, '');
  const reads = !/\/blobs\/uploads\//.test(path) && (request.method === 'GET' || request.method === 'HEAD');
  const asked = plainRequest({
    ...{ hostname, port, path, method: request.method },
    headers: {
      ...headers,
      ...(fault?.kind !== 'no-range' && range !== undefined ? { range } : {}),
      // What is written goes on here, and a registry names its own host for that.
      host: reads ? o.upstream : (host ?? o.upstream),
      ...o.upstreamHeaders,
    },
  });
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
  answered.catch(() => {});
  const length = Number(request.headers['content-length'] ?? 0);
  let left = fault?.kind === 'cut-body' ? Math.floor(length * fault.share) : Number.POSITIVE_INFINITY;
  const cut = (): void => {
    asked.destroy();
    request.socket.destroy();
  };
  if (left === 0) return void cut();
  for await (const part of request as AsyncIterable<Buffer>) {
    record.sentBytes += part.length;
    const passed = part.subarray(0, left);
    left -= passed.length;
    await new Promise<void>((resume) => asked.write(passed, () => resume()));
    if (left === 0) return void cut();
  }
  asked.end();
  const [upstream] = await answered;
  return upstream;
}

async function bytesOf(upstream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of upstream as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

async function passOn(upstream: IncomingMessage, response: ServerResponse): Promise<void> {
  response.writeHead(upstream.statusCode ?? 502, kept(upstream.headers));
  for await (const part of upstream as AsyncIterable<Buffer>) {
    if (!response.write(part)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    if (response.destroyed) return;
  }
  response.end();
}

function kept(headers: IncomingMessage['headers']): Record<string, string | string[]> {
  const left = Object.entries(headers).filter(
    ([name, value]) =>
      !['connection', 'keep-alive', 'transfer-encoding'].includes(name) && value !== undefined,
  );
  return Object.fromEntries(left) as Record<string, string | string[]>;
}
