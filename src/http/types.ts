/**
 * One policy for every request that leaves this machine: origins, redirects, private addresses, bounds, time-outs, retries, proxies.
 * Whoever needs HTTP (the registry client, ADD of a URL, remote contexts) takes an `Http` and cannot go around the policy.
 * This room knows nothing of registries and images; it reads no environment and no files: what it needs comes in as `HttpOptions`.
 * @module
 */
import type { ByteStream } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A body that is sent as it comes, and made again when the request is. */
export interface SentBody {
  /** Bytes that `open` gives. */
  readonly size: number;
  open(): ByteStream;
}

export interface HttpRequest {
  readonly method: HttpMethod;
  readonly url: string;
  /** Lower-case names. Sent to every origin the request is led to, so nothing secret. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Headers that prove who asks (`authorization`, `cookie`): sent to the origin of `url` only, never after a redirect to another. */
  readonly secretHeaders?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | SentBody | undefined;
  /** Whether the server may take minutes until it answers, as one that checks what it was sent. */
  readonly slowAnswer?: boolean | undefined;
  /**
   * The host, with port if any, on whose behalf this request is made: the registry. It and only it may have a private, loopback or
   * link-local address, and its host decides whether plain HTTP is allowed. The host of `url` when absent.
   */
  readonly home?: string | undefined;
  /** Whether the request is made again by the policy when it fails or is answered by 408, 429, 500, 502, 503, 504 …; when absent, GET and HEAD are. True only for what may happen twice. */
  readonly retry?: boolean | undefined;
  /** For an `https:` address whose host may well speak plain HTTP only (HTTP_TLS, `not-tls`): that is found out before TLS is made ready, which takes 30 ms. */
  readonly mayBePlain?: boolean | undefined;
}

export interface HttpResponse {
  readonly status: number;
  /** Where the answer came from, after redirects. */
  readonly url: string;
  /** One header by its lower-case name; several of one name are joined by `, `. */
  header(name: string): string | undefined;
  /** Values of one header, apart (`www-authenticate`, `link`, `warning`). */
  headers(name: string): readonly string[];
  /** How long the server asked to wait, when that was too long for another try. */
  readonly retryAfterMs?: number | undefined;
  /**
   * The bytes as they come, pulled once; chunks are as the network brought them. Read it, leave it early, or call `discard`.
   * @throws HTTP_CUT when the connection breaks before the announced length, HTTP_TIMEOUT when it stands still or drips, HTTP_ENCODING when it is packed, HTTP_PROTOCOL
   */
  readonly body: ByteStream;
  /** The whole body. @throws HTTP_BODY_TOO_LARGE past `limit` bytes, also when only announced */
  bytes(limit: number): Promise<Buffer>;
  /** Gives the connection back without reading on. */
  discard(): Promise<void>;
}

/** What one host's TLS needs beyond the system's certificates; PEM. */
export interface TlsFiles {
  readonly ca?: readonly string[] | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export type HttpEvent =
  /** The request is made again after `waitMs`; `why` is one phrase (`429 Too Many Requests`, `connection reset`). */
  | {
      readonly kind: 'retry';
      readonly url: string;
      readonly attempt: number;
      readonly waitMs: number;
      readonly why: string;
    }
  /** A `Warning: 299` header, each text once. */
  | { readonly kind: 'warning'; readonly host: string; readonly text: string };

export interface HttpOptions {
  /** `dobos/0.1.0`. */
  readonly userAgent: string;
  /** Whether this host (with port) may be talked to by plain HTTP, and without checking its certificate. Loopback may always be talked to plainly. */
  readonly insecure?: ((host: string) => boolean) | undefined;
  /** Whether this host (with port) may be talked to by plain HTTP; over TLS its certificate is still checked. */
  readonly plain?: ((host: string) => boolean) | undefined;
  /** Files for a host (with port); asked once per host, sent only to it. */
  readonly tls?: ((host: string) => Promise<TlsFiles | undefined>) | undefined;
  /** Hosts other than a request's home that may have private addresses. */
  readonly trustedHosts?: readonly string[] | undefined;
  readonly proxies?: ProxySettings | undefined;
  readonly onEvent?: ((event: HttpEvent) => void) | undefined;
  /** Time and chance come in, so that tests wait for nothing. */
  readonly clock?: HttpClock | undefined;
  /** A double for the network. */
  readonly transport?: Transport | undefined;
}

export interface ProxySettings {
  readonly http?: string | undefined;
  readonly https?: string | undefined;
  /** `NO_PROXY`: hosts, `.suffix`, `host:port`, CIDR, `*`. */
  readonly none?: string | undefined;
}

export interface HttpClock {
  /** Epoch milliseconds. */
  now(): number;
  /** @throws the signal's reason when aborted */
  sleep(ms: number, o?: CallOptions): Promise<void>;
  /** 0 to 1. */
  random(): number;
}

/** One exchange with one origin: no redirect, no retry, no policy. */
export interface Transport {
  send(
    request: {
      readonly method: HttpMethod;
      readonly url: URL;
      readonly headers: Readonly<Record<string, string>>;
      readonly body?: Uint8Array | SentBody | undefined;
      readonly slowAnswer?: boolean | undefined;
      /** Whether an address that the host's name resolves to is acceptable; the connection is refused otherwise (HTTP_PRIVATE_ADDRESS). */
      readonly acceptAddress: (address: string) => boolean;
      readonly tls?: TlsFiles | undefined;
      readonly insecure: boolean;
      readonly proxy?: string | undefined;
      readonly mayBePlain?: boolean | undefined;
    },
    o?: CallOptions,
  ): Promise<TransportResponse>;
  close(): Promise<void>;
}

export interface TransportResponse {
  readonly status: number;
  /** Names and values in the order they came. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: ByteStream;
}

export interface Http {
  /** The answer, whatever its status, after redirects and retries. @throws HTTP_UNREACHABLE, HTTP_TIMEOUT, HTTP_REDIRECT, HTTP_PRIVATE_ADDRESS, HTTP_DOWNGRADE, HTTP_PLAIN, HTTP_TLS, HTTP_URL, HTTP_REQUEST, HTTP_HEADERS_TOO_LARGE, HTTP_PROTOCOL, HTTP_PROXY */
  request(request: HttpRequest, o?: CallOptions): Promise<HttpResponse>;
  close(): Promise<void>;
}
