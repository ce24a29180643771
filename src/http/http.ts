import type { CallOptions } from '../base/options.ts';
import { systemClock } from './clock.ts';
import { httpError } from './errors.ts';
import { requestFailure } from './failures.ts';
import { createGate } from './gate.ts';
import { MAX_PENDING } from './limits.ts';
import { chooseProxy } from './proxy.ts';
import { redactUrl } from './redact.ts';
import { isRedirect, nextHop } from './redirect.ts';
import { makeResponse } from './response.ts';
import { type Outcome, parseRetryAfter, planRetry } from './retry.ts';
import { type AcceptAddress, checkTarget } from './target.ts';
import type { Http, HttpOptions, HttpRequest, HttpResponse, TlsFiles, TransportResponse } from './types.ts';
import { createUndiciTransport } from './undici-transport.ts';
import { createWarnings } from './warnings.ts';

/** A client that holds every request to the policy of this room. Close it when done; open connections do not keep a process alive. */
export function createHttp(o: HttpOptions): Http {
  const clock = o.clock ?? systemClock;
  const transport = o.transport ?? createUndiciTransport();
  const gate = createGate(MAX_PENDING, clock);
  const warn = createWarnings(o.onEvent);
  const filesOf = createTlsFiles(o.tls);

  /** One try: one exchange with one origin. */
  const send = async (hop: HopRequest, call: CallOptions): Promise<TransportResponse> => {
    const { url } = hop;
    const proxy = chooseProxy(url, o.proxies);
    const tls = url.protocol === 'https:' ? await filesOf(url.host, hop.trusted) : undefined;
    const leave = await gate.enter(url.origin, call);
    try {
      const { method, body, slowAnswer, mayBePlain } = hop.request;
      const insecure = o.insecure?.(url.host) === true;
      return await transport.send(
        {
          method,
          url,
          headers: headersFor(hop, o.userAgent),
          body,
          slowAnswer,
          acceptAddress: hop.accept,
          tls,
          insecure,
          proxy,
          mayBePlain,
        },
        call,
      );
    } catch (error) {
      call.signal?.throwIfAborted();
      throw requestFailure(error, url.host, proxy);
    } finally {
      leave();
    }
  };

  /** Tries of one hop until there is an answer worth having. */
  const persist = async (hop: HopRequest, call: CallOptions): Promise<HttpResponse> => {
    const { request, url } = hop;
    const hopeful = request.retry ?? (request.method === 'GET' || request.method === 'HEAD');
    for (let tries = 1; ; tries++) {
      const { answer, outcome } = await attempt(() => send(hop, call));
      if (outcome.kind === 'answer' && outcome.status === 429) {
        gate.quiet(url.origin, Math.min(parseRetryAfter(outcome.retryAfter, clock.now()) ?? 0, MAX_QUIET_MS));
      }
      const plan = hopeful ? planRetry(outcome, tries, clock) : { kind: 'enough' as const };
      if (plan.kind === 'enough') {
        if (outcome.kind === 'failure') throw outcome.error;
        const { askedMs: retryAfterMs } = plan as { askedMs?: number };
        return makeResponse(answer!, {
          method: request.method,
          url,
          clock,
          signal: call.signal,
          retryAfterMs,
        });
      }
      await answer?.body[Symbol.asyncIterator]().return?.(undefined);
      o.onEvent?.({ kind: 'retry', url: redactUrl(url), attempt: tries, waitMs: plan.waitMs, why: plan.why });
      await clock.sleep(plan.waitMs, call);
    }
  };

  return {
    async request(given, call = {}) {
      const { url: first, request } = parseRequest(given);
      const home = request.home ?? first.host;
      const visited = [first];
      let trusted = true;
      for (;;) {
        const url = visited.at(-1)!;
        const accept = checkTarget(url, home, o);
        // Whoever was led away has lost its secrets, also when it is led back: the way was another's choice.
        trusted &&= url.origin === first.origin;
        const response = await persist({ url, request, accept, trusted }, call);
        warn(url.host, response.headers('warning'));
        if (!isRedirect(response.status)) return response;
        await response.discard();
        const { status } = response;
        const location = response.header('location');
        visited.push(
          nextHop({ status, location, method: request.method, visited, home, insecure: o.insecure }),
        );
      }
    },
    close: () => transport.close(),
  };
}

/** Milliseconds that all requests to an origin wait after a 429, at most. */
const MAX_QUIET_MS = 60_000;

interface HopRequest {
  readonly url: URL;
  readonly request: HttpRequest;
  readonly accept: AcceptAddress;
  /** Whether secrets may be shown. */
  readonly trusted: boolean;
}

async function attempt(
  send: () => Promise<TransportResponse>,
): Promise<{ readonly answer?: TransportResponse; readonly outcome: Outcome }> {
  try {
    const answer = await send();
    const retryAfter = answer.headers.find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
    return { answer, outcome: { kind: 'answer', status: answer.status, retryAfter } };
  } catch (error) {
    return { outcome: { kind: 'failure', error } };
  }
}

/** The URL without its user and password, which become a secret header as browsers do it. @throws HTTP_URL */
function parseRequest(request: HttpRequest): { readonly url: URL; readonly request: HttpRequest } {
  if (!URL.canParse(request.url))
    throw httpError('HTTP_URL', { url: redactUrl(request.url), problem: 'cannot be parsed' });
  const url = new URL(request.url);
  url.hash = '';
  if (url.username === '' && url.password === '') return { url, request };
  const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = '';
  url.password = '';
  const authorization = `Basic ${Buffer.from(user).toString('base64')}`;
  return { url, request: { ...request, secretHeaders: { authorization, ...request.secretHeaders } } };
}

/** A body is wanted as it is named by its digest: never packed once more on the way. */
function headersFor(hop: HopRequest, userAgent: string): Readonly<Record<string, string>> {
  return {
    'user-agent': userAgent,
    ...hop.request.headers,
    ...lengthOf(hop.request.body),
    ...(hop.trusted ? hop.request.secretHeaders : {}),
    'accept-encoding': 'identity',
  };
}

/** A body that comes in pieces has no length that anybody else could see. */
function lengthOf(body: HttpRequest['body']): Readonly<Record<string, string>> {
  return body === undefined || body instanceof Uint8Array ? {} : { 'content-length': String(body.size) };
}

/** The files of each host, asked once; without the client's certificate where secrets may not be shown. The same object each time. */
function createTlsFiles(
  find: HttpOptions['tls'],
): (host: string, trusted: boolean) => Promise<TlsFiles | undefined> {
  const known = new Map<string, Promise<{ readonly all: TlsFiles; readonly open: TlsFiles } | undefined>>();
  return async (host, trusted) => {
    if (find === undefined) return undefined;
    const found = known.get(host) ?? find(host).then((all) => all && { all, open: { ca: all.ca } });
    known.set(host, found);
    const files = await found;
    return trusted ? files?.all : files?.open;
  };
}
