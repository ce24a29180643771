import { isIP } from 'node:net';
import { type AddressKind, addressKind } from './address.ts';
import { httpError } from './errors.ts';
import { redactUrl } from './redact.ts';
import type { HttpOptions } from './types.ts';

/** Which addresses a target's name may resolve to. The function is the same object for the same rule, so that connections are shared by rule. */
export type AcceptAddress = (address: string) => boolean;

/**
 * The rule for the addresses of `url`, after its scheme and a literal address have been checked.
 * `home` and trusted hosts may be anywhere, except that only a link-local literal may be link-local; every other host must be public.
 * @throws HTTP_URL, HTTP_PLAIN, HTTP_PRIVATE_ADDRESS
 */
export function checkTarget(url: URL, home: string, o: TargetOptions): AcceptAddress {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw httpError('HTTP_URL', {
      url: redactUrl(url),
      problem: `has the scheme ${url.protocol.slice(0, -1)}, want http or https`,
    });
  }
  const host = bareHost(url.hostname);
  const accept = isTrusted(host, home, o) ? acceptFor(host) : acceptPublic;
  const kind = literalKind(host);
  if (
    kind !== undefined &&
    !(host === 'localhost' || host.endsWith('.localhost') ? accept('127.0.0.1') : accept(host))
  ) {
    throw httpError('HTTP_PRIVATE_ADDRESS', { host: url.host, address: url.host, kind });
  }
  if (
    url.protocol === 'http:' &&
    !isLoopbackHost(host) &&
    o.insecure?.(url.host) !== true &&
    o.plain?.(url.host) !== true
  ) {
    throw httpError('HTTP_PLAIN', { host: url.host });
  }
  return accept;
}

export type TargetOptions = Pick<HttpOptions, 'insecure' | 'plain' | 'trustedHosts'>;

/** `localhost`, 127.0.0.0/8 or ::1, as the host of a URL. */
export function isLoopbackHost(host: string): boolean {
  const bare = bareHost(host);
  return bare === 'localhost' || (isIP(bare) !== 0 && addressKind(bare) === 'loopback');
}

/** A host without port: `registry:5000` -> `registry`, `[::1]:5000` -> `::1`; lower case, without the root's dot. */
export function hostWithoutPort(host: string): string {
  return URL.canParse(`http://${host}`) ? bareHost(new URL(`http://${host}`).hostname) : host.toLowerCase();
}

/** The hostname of a URL without brackets and without the root's dot. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/(?<=.)\.$/, '');
}

function isTrusted(host: string, home: string, o: TargetOptions): boolean {
  return (
    host === hostWithoutPort(home) || o.trustedHosts?.some((name) => hostWithoutPort(name) === host) === true
  );
}

function literalKind(host: string): AddressKind | undefined {
  if (host === 'localhost' || host.endsWith('.localhost')) return 'loopback';
  return isIP(host) === 0 ? undefined : addressKind(host);
}

const acceptFor = (host: string): AcceptAddress =>
  isIP(host) !== 0 && addressKind(host) === 'link-local' ? acceptAny : acceptLocal;

const acceptAny: AcceptAddress = () => true;
const acceptLocal: AcceptAddress = (address) => addressKind(address) !== 'link-local';
const acceptPublic: AcceptAddress = (address) => addressKind(address) === 'public';
