import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { systemCode } from '../../base/errors.ts';
import { runtimeError } from '../errors.ts';
import type { PortWish, PublishedPort } from './types.ts';

/** Listeners on this machine's addresses that pass on what comes. */
export interface Forwarder {
  /** All that can be reached, in the order of the wishes. */
  readonly ports: readonly PublishedPort[];
  close(): void;
}

/** So long a sender of datagrams that is silent counts as one conversation, in milliseconds; docker's. */
const DATAGRAM_IDLE_MS = 90_000;
/** Senders that are remembered at once. */
const MAX_SENDERS = 4096;
/** Random ports that are tried until both kinds of addresses have the same one free. */
const MAX_TRIES = 20;

/**
 * Takes ports of this machine and passes on what comes to `address`, byte for byte. A port that is taken is held against everybody else, also where the kernel translates addresses
 * before anything arrives here.
 * @throws RUNTIME_PORT_TAKEN, RUNTIME_PORT when it cannot be had
 */
export async function forwardPorts(address: string, wishes: readonly PortWish[]): Promise<Forwarder> {
  const open: { close(): void }[] = [];
  const ports: PublishedPort[] = [];
  const close = (): void => {
    for (const each of open) each.close();
  };
  try {
    for (const wish of wishes) {
      const taken = await takePort(address, wish);
      open.push(...taken.listeners);
      ports.push(...taken.ports);
    }
  } catch (error) {
    close();
    throw error;
  }
  return { ports, close };
}

interface Taken {
  readonly listeners: readonly { close(): void }[];
  readonly ports: readonly PublishedPort[];
}

async function takePort(address: string, wish: PortWish): Promise<Taken> {
  const { hostPorts = [0, 0] } = wish;
  const [first, last] = hostPorts;
  const tries = first === 0 ? MAX_TRIES : last - first + 1;
  let problem: unknown;
  for (let at = 0; at < tries; at++) {
    const port = first === 0 ? 0 : first + at;
    try {
      return await takeOn(address, wish, port);
    } catch (error) {
      problem = error;
      if (systemCode(error) !== 'EADDRINUSE') break;
    }
  }
  const where = `${wish.hostIp ?? '0.0.0.0'}:${first === last ? first : `${first}-${last}`}`;
  if (systemCode(problem) === 'EADDRINUSE') throw runtimeError('RUNTIME_PORT_TAKEN', { where });
  throw runtimeError(
    'RUNTIME_PORT',
    { where, code: systemCode(problem) ?? String(problem) },
    { cause: problem },
  );
}

/** On all addresses when none is named: of both kinds, where there are both. */
async function takeOn(address: string, wish: PortWish, port: number): Promise<Taken> {
  const listen = wish.protocol === 'tcp' ? listenForStreams : listenForDatagrams;
  const { protocol, containerPort } = wish;
  const told = (hostIp: string, hostPort: number): PublishedPort => ({
    protocol,
    containerPort,
    hostIp,
    hostPort,
  });
  const target = { address, port: containerPort };
  const hostIp = wish.hostIp ?? '0.0.0.0';
  const main = await listen(hostIp, port, target);
  if (wish.hostIp !== undefined) return { listeners: [main], ports: [told(hostIp, main.port)] };
  try {
    const other = await listen('::', main.port, target);
    return { listeners: [main, other], ports: [told(hostIp, main.port), told('::', main.port)] };
  } catch (error) {
    // A machine without IPv6.
    if (['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(systemCode(error) ?? ''))
      return { listeners: [main], ports: [told(hostIp, main.port)] };
    main.close();
    throw error;
  }
}

interface Target {
  readonly address: string;
  readonly port: number;
}
interface Listener {
  readonly port: number;
  close(): void;
}

async function listenForStreams(host: string, port: number, target: Target): Promise<Listener> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    keep(client);
    const inside = connect({ host: target.address, port: target.port, allowHalfOpen: true, noDelay: true });
    keep(inside);
    // Whichever breaks breaks the other: there is nobody to tell but the two.
    client.on('error', () => inside.destroy());
    inside.on('error', () => client.resetAndDestroy());
    client.once('close', () => inside.destroy());
    inside.once('close', () => client.destroySoon());
    client.pipe(inside).pipe(client);
  });
  server.listen({ host, port, ipv6Only: host.includes(':'), exclusive: true });
  await once(server, 'listening');
  server.on('error', () => {});
  server.unref();
  return {
    port: (server.address() as { port: number }).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function listenForDatagrams(host: string, port: number, target: Target): Promise<Listener> {
  const isSix = host.includes(':');
  const server = createSocket({ type: isSix ? 'udp6' : 'udp4', ipv6Only: isSix });
  const senders = new Map<string, { readonly socket: Datagrams; timer: NodeJS.Timeout }>();
  const forget = (key: string): void => {
    const sender = senders.get(key);
    senders.delete(key);
    clearTimeout(sender?.timer);
    sender?.socket.close();
  };
  server.on('message', (bytes, from) => {
    const key = `${from.address} ${from.port}`;
    let sender = senders.get(key);
    if (sender === undefined) {
      const oldest = senders.keys().next().value;
      if (senders.size >= MAX_SENDERS && oldest !== undefined) forget(oldest);
      const socket = createSocket('udp4');
      socket.on('message', (answer) => server.send(answer, from.port, from.address, () => {}));
      socket.on('error', () => forget(key));
      socket.unref();
      sender = { socket, timer: setTimeout(() => forget(key), DATAGRAM_IDLE_MS).unref() };
      senders.set(key, sender);
    }
    sender.timer.refresh();
    sender.socket.send(bytes, target.port, target.address, () => {});
  });
  server.bind({ address: host, port, exclusive: true });
  await once(server, 'listening');
  server.on('error', () => {});
  server.unref();
  return {
    port: server.address().port,
    close() {
      server.close();
      for (const key of [...senders.keys()]) forget(key);
    },
  };
}
