import { inBlock, parseAddress, parseBlock } from './address.ts';
import { httpError } from './errors.ts';
import { bareHost, isLoopbackHost } from './target.ts';
import type { ProxySettings } from './types.ts';

/**
 * The proxy that a URL is fetched by, or undefined for a direct connection; loopback is never proxied.
 * @throws HTTP_PROXY for a setting that is not a URL of http or https
 */
export function chooseProxy(url: URL, settings: ProxySettings | undefined): string | undefined {
  if (settings === undefined) return undefined;
  const setting = url.protocol === 'https:' ? settings.https : settings.http;
  if (setting === undefined || setting.trim() === '') return undefined;
  if (isLoopbackHost(url.hostname) || isExcepted(url, settings.none ?? '')) return undefined;
  return parseProxy(setting.trim()).href;
}

/** The host and port of a proxy, for messages. */
export const proxyHost = (proxy: string): string => new URL(proxy).host;

function parseProxy(setting: string): URL {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(setting) ? setting : `http://${setting}`;
  if (!URL.canParse(text)) throw httpError('HTTP_PROXY', { proxy: 'setting', problem: 'is not a URL' });
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw httpError('HTTP_PROXY', {
      proxy: url.host,
      problem: `has the scheme ${url.protocol.slice(0, -1)}, want http or https`,
    });
  }
  return url;
}

/**
 * Whether `NO_PROXY` excepts the host of `url`. Entries are parted by commas or blanks: `*`, a host and all below it (`example.org`), only what is
 * below (`.example.org`, `*.example.org`), an address, a block of addresses, each with or without a port. Without regard to case.
 */
export function isExcepted(url: URL, none: string): boolean {
  const host = bareHost(url.hostname).toLowerCase();
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  const address = parseAddress(host);
  return none
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const { name, port: wanted } = splitPort(entry);
      if (wanted !== undefined && wanted !== port) return false;
      const block = parseBlock(name);
      if (block !== undefined) return address !== undefined && inBlock(address, block);
      const suffix = name.replace(/^\*?(?=\.)/, '').replace(/(?<=.)\.$/, '');
      return suffix.startsWith('.') ? host.endsWith(suffix) : host === suffix || host.endsWith(`.${suffix}`);
    });
}

function splitPort(entry: string): { readonly name: string; readonly port: string | undefined } {
  const match = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry);
  return match === null ? { name: entry, port: undefined } : { name: match[1]!, port: match[2]! };
}
