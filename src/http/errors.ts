import { errorMaker } from '../base/errors.ts';

/** What kind of trouble with a certificate or a handshake. */
export type TlsTrouble =
  | 'self-signed'
  | 'unknown-issuer'
  | 'expired'
  | 'not-yet-valid'
  | 'wrong-host'
  | 'revoked'
  | 'client-certificate'
  | 'bad-files'
  | 'not-tls'
  | 'handshake';

/** Why nobody answered. */
export type Unreachable = 'not-found' | 'dns' | 'refused' | 'reset' | 'no-route' | 'closed' | 'network';

/** URLs in these facts are already redacted: no user, no password, no values of a query. */
type HttpErrors = {
  HTTP_URL: { url: string; problem: string };
  HTTP_REQUEST: { host: string; problem: string };
  HTTP_PLAIN: { host: string };
  HTTP_PRIVATE_ADDRESS: { host: string; address: string; kind: string };
  HTTP_REDIRECT: { host: string; problem: string };
  HTTP_DOWNGRADE: { from: string; to: string };
  HTTP_TLS: { host: string; trouble: TlsTrouble; reason: string };
  HTTP_UNREACHABLE: { host: string; why: Unreachable; detail: string; proxy: string | undefined };
  HTTP_TIMEOUT: { host: string; doing: string; seconds: number };
  HTTP_HEADERS_TOO_LARGE: { host: string; limit: number };
  HTTP_BODY_TOO_LARGE: { url: string; limit: number; announced: number | undefined };
  HTTP_ENCODING: { host: string; encoding: string };
  HTTP_CUT: { host: string; received: number; announced: number | undefined; why: string };
  HTTP_PROTOCOL: { host: string; problem: string };
  HTTP_PROXY: { proxy: string; problem: string };
};

/** Errors of this room. They name hosts and what happened, never a credential or a signed URL. */
export const httpError = errorMaker<HttpErrors>({
  HTTP_URL: ({ url, problem }) => `URL ${url} ${problem}`,
  HTTP_REQUEST: ({ host, problem }) => `request to ${host} cannot be sent: ${problem}`,
  HTTP_PLAIN: ({ host }) => ({
    message: `plain HTTP to ${host} is refused`,
    hint: 'only loopback is talked to without TLS, unless the host is listed as insecure',
  }),
  HTTP_PRIVATE_ADDRESS: ({ host, address, kind }) => ({
    message: `${host === address ? host : `${host} (${address})`} is a ${kind} address, and not of the host that was asked for`,
    hint: 'no other host may lead into this machine or its networks',
  }),
  HTTP_REDIRECT: ({ host, problem }) => `redirect of ${host} is refused: ${problem}`,
  HTTP_DOWNGRADE: ({ from, to }) => `redirect from https://${from} to plain http://${to} is refused`,
  HTTP_TLS: ({ host, trouble, reason }) => ({
    message: `TLS to ${host} failed: ${reason}`,
    hint: tlsHint(trouble, host),
  }),
  HTTP_UNREACHABLE: ({ host, why, detail, proxy }) => ({
    message: `${host} cannot be reached${proxy === undefined ? '' : ` by the proxy ${proxy}`}: ${detail}`,
    hint: unreachableHint(why, proxy),
  }),
  HTTP_TIMEOUT: ({ host, doing, seconds }) => `${host} took more than ${seconds} s ${doing}`,
  HTTP_HEADERS_TOO_LARGE: ({ host, limit }) => `${host} sent more than ${limit} bytes of headers`,
  HTTP_BODY_TOO_LARGE: ({ url, limit, announced }) =>
    announced === undefined
      ? `${url} is more than ${limit} bytes, want at most that`
      : `${url} is ${announced} bytes, want at most ${limit}`,
  HTTP_ENCODING: ({ host, encoding }) =>
    `${host} sent a body with content-encoding ${encoding}, want identity`,
  HTTP_CUT: ({ host, received, announced, why }) =>
    announced === undefined
      ? `${host} broke off after ${received} bytes: ${why}`
      : `${host} broke off after ${received} of ${announced} bytes: ${why}`,
  HTTP_PROTOCOL: ({ host, problem }) => `${host} does not speak HTTP/1.1: ${problem}`,
  HTTP_PROXY: ({ proxy, problem }) => ({
    message: `proxy ${proxy} ${problem}`,
    hint: 'see HTTP_PROXY, HTTPS_PROXY and NO_PROXY in the environment',
  }),
});

function tlsHint(trouble: TlsTrouble, host: string): string | undefined {
  switch (trouble) {
    case 'self-signed':
    case 'unknown-issuer':
      return `put the certificate of its authority in /etc/docker/certs.d/${host}/ca.crt, or name its file in NODE_EXTRA_CA_CERTS`;
    case 'expired':
    case 'not-yet-valid':
      return 'check the clock of this machine';
    case 'client-certificate':
      return `put client.cert and client.key in /etc/docker/certs.d/${host}/`;
    case 'not-tls':
      return 'it speaks plain HTTP; list it as insecure if that is meant';
    default:
      return undefined;
  }
}

function unreachableHint(why: Unreachable, proxy: string | undefined): string | undefined {
  if (proxy !== undefined) return 'see HTTP_PROXY, HTTPS_PROXY and NO_PROXY in the environment';
  if (why === 'not-found') return 'is the name spelled right?';
  if (why === 'refused') return 'does it run, and on that port?';
  if (why === 'no-route' || why === 'dns')
    return 'is this machine online? Behind a proxy, set HTTPS_PROXY in the environment';
  return undefined;
}
