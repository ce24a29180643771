import { type DobosError, isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { Http, HttpRequest, HttpResponse } from '../http/types.ts';
import { createGuard } from './authorize.ts';
import { hostOfRegistry, plainAllowed } from './hosts.ts';
import type { Tokens } from './tokens.ts';
import type { Endpoint, RegistryOptions } from './types.ts';

/** Troubles of a handshake that a server without TLS causes. */
const PLAIN_TROUBLE = new Set(['not-tls', 'handshake']);

/** What all places of one `Registry` share. */
export interface PlaceParts extends RegistryOptions {
  readonly tokens: Tokens;
  /** Hosts with plain HTTP allowed, and which scheme they answered to. */
  readonly schemes: Map<string, Promise<string>>;
}

export type PlaceRequest = Pick<HttpRequest, 'method' | 'headers' | 'body' | 'retry' | 'slowAnswer'>;

/** One repository at one host: where to send what, with which proof. */
export interface Place {
  /** With port; for messages and to compare. */
  readonly host: string;
  readonly mirror: boolean;
  readonly only: Endpoint['only'];
  /** The answer to a request for `manifests/<name>`, `blobs/<digest>`, `blobs/uploads/` or `tags/list`, whatever its status. The name is already checked. */
  ask(what: string, request: PlaceRequest, o?: CallOptions): Promise<HttpResponse>;
  /** The same for a whole address that this host named; elsewhere than at this host nothing is shown of who asks. */
  askAt(url: string, request: PlaceRequest, o?: CallOptions): Promise<HttpResponse>;
  /** A refused answer as an error. */
  refused(response: HttpResponse, name: string): Promise<DobosError>;
  /** An answer that refuses to write, as an error. */
  refusedWrite(response: HttpResponse, name: string): Promise<DobosError>;
}

/** The place that an endpoint describes, to read from or also to write to. Asks nothing yet. */
export function createPlace(parts: PlaceParts, endpoint: Endpoint, registry: string, writes = false): Place {
  const base = new URL(endpoint.base);
  const { host } = base;
  const { http, tokens, credentials, insecure, trustedRealms } = parts;
  // A mirror, or a place that stands for the registry, is another party: it gets what is known for itself, never what is meant for the registry.
  const isRegistry = new URL(`https://${hostOfRegistry(registry)}`).host === host;
  const account = isRegistry && !endpoint.mirror ? registry : host;
  const { repository } = endpoint;
  const guard = createGuard({
    http,
    tokens,
    credentials,
    insecure,
    trustedRealms,
    registry: account,
    host,
    repository,
    writes,
  });
  const path = base.pathname.replace(/\/+$/, '') || '/v2';

  const scheme = async (o: CallOptions): Promise<string> => {
    if (base.protocol !== 'https:' || !plainAllowed(host, insecure)) return base.protocol;
    let found = parts.schemes.get(host);
    if (found === undefined) {
      found = probe(http, host, o);
      parts.schemes.set(host, found);
      found.catch(() => parts.schemes.delete(host));
    }
    return found;
  };

  return {
    host,
    mirror: endpoint.mirror,
    only: endpoint.only,
    async ask(what, request, o = {}) {
      const url = new URL(`${await scheme(o)}//${host}${path}/${repository}/${what}`);
      if (endpoint.namespace !== undefined) url.searchParams.set('ns', endpoint.namespace);
      return guard.send({ ...request, url: url.href }, o);
    },
    async askAt(url, request, o = {}) {
      const isOwn = new URL(url).origin === new URL(`${await scheme(o)}//${host}`).origin;
      return isOwn ? guard.send({ ...request, url }, o) : http.request({ ...request, url, home: host }, o);
    },
    refused: guard.refused,
    refusedWrite: guard.refusedWrite,
  };
}

/**
 * `https:` if the host answers to it in any way, else `http:`: what is allowed to be plain need not be. (Docker does the same for loopback and insecure
 * registries.) No proof is sent.
 */
export async function probe(http: Http, host: string, o: CallOptions): Promise<string> {
  try {
    const url = `https://${host}/v2/`;
    const request = { method: 'GET', url, home: host, retry: false, mayBePlain: true } as const;
    await (await http.request(request, o)).discard();
    return 'https:';
  } catch (error) {
    if (o.signal?.aborted === true || !isDobosError(error)) throw error;
    // A certificate that is not good is no reason to do without.
    const isTls = error.code === 'HTTP_TLS' && !PLAIN_TROUBLE.has(String(error.facts.trouble));
    return isTls ? 'https:' : 'http:';
  }
}
