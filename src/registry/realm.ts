import { registryError } from './errors.ts';
import { foreignText } from './foreign-text.ts';
import { isAddress, isLoopback, withoutPort } from './hosts.ts';

/** Characters of a realm that are accepted. */
const MAX_REALM = 2048;

/** Under these anybody gets names, so that two of them are strangers. */
const SHARED = new Set(
  `azurecr.io amazonaws.com azurewebsites.net windows.net cloudapp.net azure.com appspot.com run.app web.app
  firebaseapp.com cloudfront.net github.io gitlab.io herokuapp.com pages.dev workers.dev r2.dev vercel.app netlify.app
  fly.dev onrender.com ngrok.io ngrok.app duckdns.org dyndns.org ddns.net no-ip.org nip.io sslip.io`
    .split(/\s+/)
    .filter((name) => name !== ''),
);
/** Two labels that are no more than a country's or a provider's `com`: the third makes the domain. */
const TWO_LEVEL =
  /^(?:(?:co|com|net|org|gov|gob|edu|ac|or|ne|go|gv|nom|id|ltd|plc|mil)\.[a-z]{2}|aliyuncs\.com)$/;

/**
 * The token server that a registry names, if it may be asked at all: HTTPS; plain HTTP only at the registry's own host (any loopback host for a
 * loopback registry) when the registry itself may be plain; an address instead of a name only if the registry has the same.
 * Private addresses behind names are refused by http/, on whose behalf `home` is sent.
 * @throws REGISTRY_REALM
 */
export function checkRealm(realm: string, home: string, plain: boolean): URL {
  const bad = (why: string) =>
    registryError('REGISTRY_REALM', { host: home, realm: foreignText(realm, 100), why });
  let url: URL;
  try {
    if (realm.length > MAX_REALM) throw new Error('too long');
    url = new URL(realm);
  } catch {
    throw bad('is not an address');
  }
  if (url.username !== '' || url.password !== '') throw bad('has a user in its address');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw bad('is not HTTPS');
  const isOwn = sameHost(url.host, home);
  if (url.protocol === 'http:' && !(plain && isOwn)) throw bad('is not HTTPS');
  if (!isOwn && (isAddress(url.host) || isLoopback(url.host))) {
    throw bad('is an address on a network, and not the registry itself');
  }
  url.hash = '';
  return url;
}

/**
 * True if a registry's token server plainly belongs to it: the same host, or the same domain. Any other is asked without credentials: a registry that was
 * taken over, or a mirror, could name a server of its own choice and collect what is meant for the registry.
 */
export function sharesDomain(realmHost: string, home: string): boolean {
  if (sameHost(realmHost, home)) return true;
  if (isAddress(realmHost) || isAddress(home) || isLoopback(realmHost) || isLoopback(home)) return false;
  const [a, b] = [labelsOf(realmHost), labelsOf(home)];
  let common = 0;
  while (common < a.length && common < b.length && a.at(-1 - common) === b.at(-1 - common)) common++;
  const domain = a.slice(-2).join('.');
  return common >= (TWO_LEVEL.test(domain) ? 3 : 2) && !SHARED.has(domain);
}

/** True for one host whatever its port; all loopback hosts are one. */
export function sameHost(a: string, b: string): boolean {
  return withoutPort(a) === withoutPort(b) || (isLoopback(a) && isLoopback(b));
}

function labelsOf(host: string): string[] {
  return withoutPort(host).replace(/\.$/, '').split('.');
}
