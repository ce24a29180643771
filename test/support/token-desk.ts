import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** How a registry of the tests gives out tokens. */
export interface TokenAuth {
  /** Who may have tokens; anybody when absent. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** An OAuth2 refresh token that is as good as user and password. */
  readonly identity?: string | undefined;
  /** Where tokens are said to be had; this server's `/token` when absent. */
  readonly realm?: string | undefined;
  /** Requests that one token is good for; any number when absent. */
  readonly uses?: number | undefined;
  /** Seconds, as told. */
  readonly expiresIn?: number | undefined;
  /** Whether the OAuth2 POST is known; answered by 405 otherwise. */
  readonly oauth2?: boolean | undefined;
}

interface TokenDesk {
  answer(req: IncomingMessage, res: ServerResponse, url: URL): Promise<void>;
  /** The challenge, when the request's token is not good for it. */
  refuse(req: IncomingMessage, url: URL): string | undefined;
  expire(): void;
}

const SERVICE = 'registry of the tests';

/** Gives out tokens for the scopes asked, and knows them again. */
export function createTokenDesk(auth: TokenAuth, home: () => string): TokenDesk {
  const given = new Map<string, { readonly scopes: readonly string[]; left: number }>();

  const give = (res: ServerResponse, scopes: readonly string[]): void => {
    const token = randomBytes(12).toString('hex');
    given.set(token, { scopes, left: auth.uses ?? Number.POSITIVE_INFINITY });
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(JSON.stringify({ token, access_token: token, expires_in: auth.expiresIn ?? 300 }));
  };

  return {
    async answer(req, res, url) {
      if (req.method === 'POST') {
        const parts: Buffer[] = [];
        for await (const part of req) parts.push(part as Buffer);
        const form = new URLSearchParams(Buffer.concat(parts).toString());
        if (auth.oauth2 === false) return void res.writeHead(405).end();
        const isRight =
          form.get('grant_type') === 'refresh_token' && form.get('refresh_token') === auth.identity;
        return isRight ? give(res, (form.get('scope') ?? '').split(' ')) : void res.writeHead(401).end();
      }
      const right = Buffer.from(`${auth.username}:${auth.password}`).toString('base64');
      const isRight = auth.username === undefined || req.headers.authorization === `Basic ${right}`;
      return isRight ? give(res, url.searchParams.getAll('scope')) : void res.writeHead(401).end();
    },
    refuse(req, url) {
      const repository = /^\/v2\/(.+?)\/(?:manifests|blobs|tags)\//.exec(url.pathname)?.[1];
      const actions = req.method === 'GET' || req.method === 'HEAD' ? ['pull'] : ['pull', 'push'];
      const from = url.searchParams.get('from');
      const needed = [
        ...(repository === undefined ? [] : [{ name: repository, actions }]),
        ...(from === null ? [] : [{ name: from, actions: ['pull'] }]),
      ];
      const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1] ?? '';
      const known = given.get(token);
      const isGood =
        known !== undefined &&
        known.left > 0 &&
        needed.every((need) => known.scopes.some((scope) => grants(scope, need)));
      if (isGood) {
        known.left--;
        return undefined;
      }
      const scopes = needed.map((need) => `repository:${need.name}:${need.actions.join(',')}`);
      const more = scopes.length === 0 ? '' : `,scope="${scopes.join(' ')}"`;
      const why =
        known === undefined ? '' : `,error="${known.left > 0 ? 'insufficient_scope' : 'invalid_token'}"`;
      return `Bearer realm="${auth.realm ?? home()}",service="${SERVICE}"${more}${why}`;
    },
    expire() {
      for (const token of given.values()) token.left = 0;
    },
  };
}

/** Whether a token's scope is good for all of this. */
function grants(
  scope: string,
  need: { readonly name: string; readonly actions: readonly string[] },
): boolean {
  const [, name, actions = ''] = /^repository:(.+):([a-z,]+)$/.exec(scope) ?? [];
  return name === need.name && need.actions.every((action) => actions.split(',').includes(action));
}
