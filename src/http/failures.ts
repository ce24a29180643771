import { type DobosError, isDobosError, systemCode } from '../base/errors.ts';
import { httpError, type TlsTrouble, type Unreachable } from './errors.ts';
import {
  BODY_IDLE_MS,
  CONNECT_MS,
  HEADERS_MS,
  MAX_HEADER_BYTES,
  SEND_MS,
  SLOW_HEADERS_MS,
} from './limits.ts';
import { proxyHost } from './proxy.ts';

/** Marks an error of ours that ran out of time; `systemCode` of what `timeUp` makes. */
export type Deadline = 'TIME_UP_CONNECT' | 'TIME_UP_HEADERS' | 'TIME_UP_SLOW_HEADERS' | 'TIME_UP_SEND';

/** An error that a transport throws when a deadline has passed. */
export const timeUp = (code: Deadline): Error => Object.assign(new Error('time is up'), { code });

/** What a failed exchange is called, in words for people; what is no failure of the network comes back as it is. */
export function requestFailure(error: unknown, host: string, proxy: string | undefined): unknown {
  if (isDobosError(error)) return error;
  const code = systemCode(error) ?? '';
  const timeout = (doing: string, ms: number): DobosError =>
    httpError('HTTP_TIMEOUT', { host, doing, seconds: ms / 1000 }, { cause: error });
  if (CONNECT_TIMEOUTS.has(code)) return timeout('to connect', CONNECT_MS);
  if (code === 'TIME_UP_SEND') return timeout('to take more of a body', SEND_MS);
  if (code === 'TIME_UP_SLOW_HEADERS') return timeout('to answer', SLOW_HEADERS_MS);
  if (HEADER_TIMEOUTS.has(code)) return timeout('to answer', HEADERS_MS);
  if (code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'HPE_HEADER_OVERFLOW') {
    return httpError('HTTP_HEADERS_TOO_LARGE', { host, limit: MAX_HEADER_BYTES }, { cause: error });
  }
  if (code === 'UND_ERR_INVALID_ARG') {
    return httpError('HTTP_REQUEST', { host, problem: shown((error as Error).message) }, { cause: error });
  }
  const tls = tlsTrouble(error);
  if (tls !== undefined) return httpError('HTTP_TLS', { host, ...tls }, { cause: error });
  if (isGarbage(error) || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
    return httpError('HTTP_PROTOCOL', { host, problem: garbage(error) }, { cause: error });
  }
  const found = UNREACHABLE[code];
  if (found === undefined) return error;
  const [why, detail] = found;
  const by = proxy === undefined ? undefined : proxyHost(proxy);
  return httpError('HTTP_UNREACHABLE', { host, why, detail, proxy: by }, { cause: error });
}

/** What a body that broke off is called; what is no failure of the network comes back as it is. */
export function bodyFailure(
  error: unknown,
  host: string,
  received: number,
  announced: number | undefined,
): unknown {
  if (isDobosError(error)) return error;
  const code = systemCode(error) ?? '';
  if (code === 'UND_ERR_BODY_TIMEOUT') {
    return httpError(
      'HTTP_TIMEOUT',
      { host, doing: 'to send more of a body', seconds: BODY_IDLE_MS / 1000 },
      { cause: error },
    );
  }
  if (isGarbage(error)) {
    return httpError('HTTP_PROTOCOL', { host, problem: garbage(error) }, { cause: error });
  }
  const why = UNREACHABLE[code]?.[1] ?? (BROKEN.test(code) ? 'connection broken' : undefined);
  return why === undefined
    ? error
    : httpError('HTTP_CUT', { host, received, announced, why }, { cause: error });
}

const CONNECT_TIMEOUTS: ReadonlySet<string> = new Set([
  'TIME_UP_CONNECT',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const HEADER_TIMEOUTS: ReadonlySet<string> = new Set(['TIME_UP_HEADERS', 'UND_ERR_HEADERS_TIMEOUT']);
const BROKEN = /^(?:ERR_SSL_|EPROTO$|ETIMEDOUT$)/;

const UNREACHABLE: Readonly<Record<string, readonly [why: Unreachable, detail: string]>> = {
  ENOTFOUND: ['not-found', 'there is no such host'],
  EAI_AGAIN: ['dns', 'no name server answers'],
  EAI_FAIL: ['dns', 'the name server failed'],
  ECONNREFUSED: ['refused', 'connection refused'],
  ECONNRESET: ['reset', 'connection reset'],
  ECONNABORTED: ['reset', 'connection reset'],
  EPIPE: ['reset', 'connection reset'],
  UND_ERR_SOCKET: ['reset', 'connection closed by the other side'],
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: ['reset', 'body is not as long as announced'],
  EHOSTUNREACH: ['no-route', 'no route to the host'],
  ENETUNREACH: ['no-route', 'no route to its network'],
  ENETDOWN: ['no-route', 'the network is down'],
  EADDRNOTAVAIL: ['no-route', 'no address of this machine leads there'],
  EHOSTDOWN: ['no-route', 'the host is down'],
  EMFILE: ['network', 'too many open files'],
  UND_ERR_DESTROYED: ['closed', 'the client is closed'],
  UND_ERR_CLOSED: ['closed', 'the client is closed'],
};

const isGarbage = (error: unknown): boolean => error instanceof Error && error.name === 'HTTPParserError';

function garbage(error: unknown): string {
  const reason = /\(([^)]*)\)/.exec((error as Error).message)?.[1];
  return (reason ?? 'its answer cannot be parsed')
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 120)
    .toLowerCase();
}

/** The trouble behind an error of a handshake, with its reason in words. */
function tlsTrouble(error: unknown): { readonly trouble: TlsTrouble; readonly reason: string } | undefined {
  const code = systemCode(error) ?? '';
  const known = CERTIFICATES[code];
  if (known !== undefined) return { trouble: known[0], reason: known[1] };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = (error as { cert?: { subjectaltname?: string } }).cert?.subjectaltname ?? '';
    return {
      trouble: 'wrong-host',
      reason: `its certificate is for another host${names === '' ? '' : ` (${shown(names)})`}`,
    };
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    const message = error instanceof Error ? error.message : '';
    if (/wrong.version.number|packet.length.too.long|http.request/i.test(`${code} ${message}`)) {
      return { trouble: 'not-tls', reason: 'it does not answer in TLS' };
    }
    if (/certificate.required|bad.certificate/i.test(`${code} ${message}`)) {
      return { trouble: 'client-certificate', reason: 'it wants a client certificate' };
    }
    const alert = /alert ([a-z ]+)/i.exec(message)?.[1] ?? /routines:[^:]*:([^:]+)/.exec(message)?.[1];
    return {
      trouble: 'handshake',
      reason: alert === undefined ? 'the handshake failed' : `the handshake failed (${shown(alert.trim())})`,
    };
  }
  return undefined;
}

const shown = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 160);

const UNKNOWN_ISSUER = ['unknown-issuer', 'its certificate is signed by an unknown authority'] as const;
const SELF_SIGNED = ['self-signed', 'its certificate is self-signed'] as const;
const CERTIFICATES: Readonly<Record<string, readonly [trouble: TlsTrouble, reason: string]>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: SELF_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_ISSUER,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_ISSUER,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_ISSUER,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_ISSUER,
  CERT_UNTRUSTED: UNKNOWN_ISSUER,
  CERT_HAS_EXPIRED: ['expired', 'its certificate has expired'],
  CERT_NOT_YET_VALID: ['not-yet-valid', 'its certificate is not valid yet'],
  CERT_REVOKED: ['revoked', 'its certificate was revoked'],
  CERT_SIGNATURE_FAILURE: ['handshake', 'the signature of its certificate is wrong'],
  INVALID_PURPOSE: ['handshake', 'its certificate is not for servers'],
  INVALID_CA: ['handshake', 'the certificate of its authority is not one of an authority'],
  HOSTNAME_MISMATCH: ['wrong-host', 'its certificate is for another host'],
};
