import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { addressKind } from './address.ts';
import { connectRoomy } from './connect-roomy.ts';
import { httpError } from './errors.ts';
import { timeUp } from './failures.ts';
import { answersPlainly } from './plain-answer.ts';
import { ready } from './ready.ts';
import { bareHost } from './target.ts';
import { openTunnel } from './tunnel.ts';
import type { TlsFiles } from './types.ts';

/** Milliseconds for one of several addresses before the next is tried beside it; Node's own 250 are too few for far hosts. */
const ADDRESS_MS = 1000;
/** Bytes that a socket keeps for its reader. */
const SOCKET_BUFFER_BYTES = 64 * 1024;

/** Where a connection goes, and what it must hold to. */
export interface Destination {
  readonly url: URL;
  /** Asked for every address of the host's name; with a proxy, the proxy resolves the name and nothing can be asked. */
  readonly acceptAddress: (address: string) => boolean;
  readonly tls: TlsFiles | undefined;
  readonly insecure: boolean;
  readonly proxy: string | undefined;
  /** Whether the host may well speak no TLS: without a proxy it is then looked at before TLS is made ready, which takes more time than that. */
  readonly mayBePlain?: boolean | undefined;
}

export interface ConnectorOptions {
  readonly lookup?: LookupFunction | undefined;
  readonly connectMs: number;
}

/** Opens connections to one destination. A try that takes longer than `connectMs` in all is given up. */
export interface Connector {
  open(): Promise<Socket>;
  /** Ends tries that are under way. */
  close(): void;
}

export function createConnector(to: Destination, o: ConnectorOptions): Connector {
  const attempts = new Set<Set<Socket>>();
  let isLookedAt = to.mayBePlain !== true || to.proxy !== undefined;
  let context: SecureContext | undefined;
  let session: Buffer | undefined;

  const connect = async (opening: Set<Socket>): Promise<Socket> => {
    const open = (): Promise<Socket> =>
      to.proxy === undefined
        ? overTcp(to.url, to.acceptAddress, o, opening)
        : overProxy(to.url, new URL(to.proxy), o, opening);
    if (to.url.protocol !== 'https:') return open();
    if (!isLookedAt && (await answersPlainly(await open(), opening)))
      // As Node's TLS says it.
      throw Object.assign(new Error('wrong version number'), { code: 'ERR_SSL_WRONG_VERSION_NUMBER' });
    isLookedAt = true;
    const { overTls, secureContextOf } = await loadTls();
    context ??= secureContextOf(to);
    const own = { secureContext: context, rejectUnauthorized: !to.insecure };
    const resumed = session === undefined ? own : { ...own, session };
    const secured = await overTls(await open(), bareHost(to.url.hostname), resumed, opening);
    return secured.on('session', (fresh) => {
      session = fresh;
    });
  };
  return {
    async open() {
      const opening = new Set<Socket>();
      attempts.add(opening);
      const timer = setTimeout(() => destroyAll(opening, timeUp('TIME_UP_CONNECT')), o.connectMs);
      try {
        return await connect(opening);
      } finally {
        clearTimeout(timer);
        attempts.delete(opening);
      }
    },
    close() {
      const closed = Object.assign(new Error('closed'), { code: 'UND_ERR_CLOSED' });
      for (const opening of attempts) destroyAll(opening, closed);
    },
  };
}

/** Loaded when first needed: a registry of this machine mostly speaks none. */
const loadTls = () => import('./secure.ts');

function destroyAll(sockets: ReadonlySet<Socket>, error: Error): void {
  for (const socket of sockets) socket.destroy(error);
}

/** A connection to the proxy, which for TLS leads on to the host of `url`. */
async function overProxy(url: URL, proxy: URL, o: ConnectorOptions, opening: Set<Socket>): Promise<Socket> {
  const plain = await overTcp(proxy, () => true, o, opening);
  const socket =
    proxy.protocol === 'https:'
      ? await (await loadTls()).overTls(plain, bareHost(proxy.hostname), {}, opening)
      : plain;
  return url.protocol === 'https:' ? openTunnel(socket, url, proxy, opening) : socket;
}

function overTcp(
  url: URL,
  accept: (address: string) => boolean,
  o: ConnectorOptions,
  opening: Set<Socket>,
): Promise<Socket> {
  const host = bareHost(url.hostname);
  if (isIP(host) !== 0 && !accept(host)) throw privateAddress(url.host, host);
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const options = {
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    readableHighWaterMark: SOCKET_BUFFER_BYTES,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_MS,
    lookup: checkedLookup(url.host, accept, o.lookup ?? (systemLookup as LookupFunction)),
  };
  return ready(connectRoomy(options), 'connect', opening);
}

/** A lookup that fails unless every address is accepted, so that the address that is connected to is one that was checked. */
function checkedLookup(
  host: string,
  accept: (address: string) => boolean,
  lookup: LookupFunction,
): LookupFunction {
  return (name, options, callback) => {
    lookup(name, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '', 0);
      const addresses = typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found;
      const refused = addresses.find(({ address }) => !accept(address));
      if (refused !== undefined) return callback(privateAddress(host, refused.address), '', 0);
      if (options.all === true) return callback(null, addresses);
      const first = addresses[0];
      if (first === undefined)
        return callback(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), '', 0);
      return callback(null, first.address, first.family);
    });
  };
}

const privateAddress = (host: string, address: string) =>
  httpError('HTTP_PRIVATE_ADDRESS', { host, address, kind: addressKind(address) });
