import { createSign, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Certificates } from './certificates.ts';

/** One request for a token. */
export interface TokenRequest {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  readonly grant: string | undefined;
  readonly status: number;
}

/** A token server as Docker's: GET with Basic credentials, and OAuth2's POST. */
export interface TokenServer {
  /** `http://127.0.0.1:43212/token` */
  readonly realm: string;
  readonly requests: readonly TokenRequest[];
  /** What an access token is still good for; counts one use of it. */
  use(token: string, repository: string, actions?: string): 'fine' | 'unknown' | 'used-up' | 'not-for-this';
  /** Every token and password that must never be seen elsewhere. */
  secrets(): readonly string[];
  stop(): Promise<void>;
}

export interface TokenServerOptions {
  /** Names and passwords; whoever names none is served if `anonymous`. */
  readonly users?: Readonly<Record<string, string>>;
  readonly anonymous?: boolean;
  /** Whether POST is served; else it is answered by 405, as by old servers. */
  readonly oauth?: boolean;
  /** A refresh token that POST takes and gives. */
  readonly identity?: string;
  /** Seconds, as told to the client; nothing is told when absent. */
  readonly expiresIn?: number;
  /** After so many requests a token counts as expired, whatever its seconds say. */
  readonly usesPerToken?: number;
  /** Signs for docker-registry, whose `service` and `issuer` are these. */
  readonly signer?: { readonly certificates: Certificates; readonly issuer: string };
  /** Answers instead, if it returns true. */
  readonly fault?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

const MAX_FORM_BYTES = 64 * 1024;

export async function startTokenServer(o: TokenServerOptions = {}): Promise<TokenServer> {
  const requests: TokenRequest[] = [];
  const issued = new Map<string, { scopes: readonly string[]; uses: number }>();

  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, method = '' } = request;
    const query = new URL(request.url ?? '/', 'http://token').searchParams;
    const form = method === 'POST' ? new URLSearchParams(await bodyOf(request)) : query;
    const scopes = form.getAll('scope').flatMap((scope) => scope.split(' '));
    const tell = (status: number, body: object): void => {
      requests.push({
        ...{ method, headers, scopes, status },
        service: form.get('service') ?? undefined,
        grant: form.get('grant_type') ?? undefined,
      });
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (o.fault?.(request, response)) {
      requests.push({ method, headers, scopes, service: undefined, grant: undefined, status: 0 });
      return;
    }
    if (method === 'POST' && o.oauth !== true) return tell(405, {});
    if (!isAllowed(method, headers.authorization, form))
      return tell(401, { errors: [{ code: 'UNAUTHORIZED' }] });
    const token = makeToken(scopes, form.get('service') ?? '');
    issued.set(token, { scopes, uses: 0 });
    const expiry = o.expiresIn === undefined ? {} : { expires_in: o.expiresIn };
    const refresh = method === 'POST' && o.identity !== undefined ? { refresh_token: o.identity } : {};
    tell(200, { ...(method === 'POST' ? { access_token: token } : { token }), ...expiry, ...refresh });
  }

  function isAllowed(method: string, authorization: string | undefined, form: URLSearchParams): boolean {
    if (method === 'POST') {
      if (form.get('grant_type') === 'refresh_token')
        return o.identity !== undefined && form.get('refresh_token') === o.identity;
      return isUser(form.get('username') ?? '', form.get('password') ?? '');
    }
    if (authorization === undefined) return o.anonymous === true;
    const [, basic = ''] = /^Basic (.+)$/i.exec(authorization) ?? [];
    const [name = '', password = ''] = Buffer.from(basic, 'base64').toString('utf8').split(':');
    return isUser(name, password);
  }
  const isUser = (name: string, password: string): boolean =>
    Object.hasOwn(o.users ?? {}, name) && o.users?.[name] === password;

  function makeToken(scopes: readonly string[], service: string): string {
    if (o.signer === undefined) return `tok-${randomBytes(12).toString('hex')}`;
    const { certificates, issuer } = o.signer;
    const [, body = ''] = /-----BEGIN CERTIFICATE-----([\s\S]*?)-----END/.exec(certificates.cert) ?? [];
    const now = Math.floor(Date.now() / 1000);
    const access = scopes.map((scope) => {
      const [, type, name, actions = ''] = /^([^:]+):(.+):([^:]*)$/.exec(scope) ?? [];
      return { type, name, actions: actions.split(',') };
    });
    const head = { typ: 'JWT', alg: 'ES256', x5c: [body.replace(/\s/g, '')] };
    const claims = { iss: issuer, sub: '', aud: service, exp: now + 300, nbf: now - 10, iat: now, access };
    const text = [head, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const key = { key: certificates.key, dsaEncoding: 'ieee-p1363' as const };
    return `${text}.${createSign('sha256').update(text).sign(key).toString('base64url')}`;
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    realm: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    requests,
    use(token, repository, actions = 'pull') {
      const known = issued.get(token);
      if (known === undefined) return 'unknown';
      if (o.usesPerToken !== undefined && known.uses >= o.usesPerToken) return 'used-up';
      const start = `repository:${repository}:`;
      const given = known.scopes.flatMap((scope) =>
        scope.startsWith(start) ? scope.slice(start.length).split(',') : [],
      );
      if (!actions.split(',').every((action) => given.includes(action))) return 'not-for-this';
      known.uses++;
      return 'fine';
    },
    secrets: () => [
      ...issued.keys(),
      ...Object.values(o.users ?? {}),
      ...(o.identity === undefined ? [] : [o.identity]),
    ],
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_FORM_BYTES) throw new Error('a form of this size');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
