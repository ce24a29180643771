import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { runtimeError } from '../errors.ts';
import { TOOL_ENV } from './run-tool.ts';
import type { NetworkAddress, PortWish, PublishedPort } from './types.ts';

/** A network that a program outside of the namespace plays for it, with this process's own connections. */
export interface UserNetwork {
  readonly address: NetworkAddress;
  readonly nameserver: string;
  readonly ports: readonly PublishedPort[];
  close(): void;
}

/** slirp4netns's own addresses. */
const ADDRESS: NetworkAddress = { address: '10.0.2.100', prefix: 24, gateway: '10.0.2.2', mac: '' };
const NAMESERVER = '10.0.2.3';
const MAX_TRIES = 20;
const MAX_ANSWER_CHARACTERS = 64 * 1024;

/** Starts slirp4netns for the namespace at `path`; its control socket is made in `folder`. @throws RUNTIME_NETWORK, RUNTIME_PORT_TAKEN, RUNTIME_PORT */
export async function startSlirp(
  program: string,
  folder: string,
  path: string,
  wishes: readonly PortWish[],
): Promise<UserNetwork> {
  const child = spawn(
    program,
    [
      ...['--configure', '--mtu=65520', '--disable-host-loopback', '--ready-fd=3', '--api-socket=control'],
      ...['--netns-type=path', path, 'tap0'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], env: TOOL_ENV, cwd: folder },
  );
  try {
    await untilReady(child, program);
    // The name of the socket must be short, and that of the folder may be long.
    const control = `/proc/${child.pid}/cwd/control`;
    const ports: PublishedPort[] = [];
    for (const wish of wishes) ports.push(await forward(control, wish));
    child.unref();
    return { address: ADDRESS, nameserver: NAMESERVER, ports, close: () => void child.kill('SIGKILL') };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

async function untilReady(child: ChildProcess, program: string): Promise<void> {
  let said = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    if (said.length < MAX_ANSWER_CHARACTERS) said += String(bytes);
  });
  const ready = once(child.stdio[3] as Readable, 'data').then(() => true);
  const ended = once(child, 'close').then(() => false);
  ready.catch(() => {});
  ended.catch(() => {});
  if (await Promise.race([ready, ended])) return;
  const why = said.trim().split('\n')[0] || `it ended with ${child.exitCode ?? child.signalCode}`;
  throw runtimeError('RUNTIME_NETWORK', { problem: `${basename(program)}: ${why}` });
}

/** @throws RUNTIME_PORT_TAKEN, RUNTIME_PORT, RUNTIME_NETWORK */
async function forward(control: string, wish: PortWish): Promise<PublishedPort> {
  const { protocol, containerPort, hostIp = '0.0.0.0', hostPorts } = wish;
  const [first, last] = hostPorts ?? [0, 0];
  const where = `${hostIp}:${first === last ? first : `${first}-${last}`}`;
  const tries = first === 0 ? MAX_TRIES : last - first + 1;
  for (let at = 0; at < tries; at++) {
    const hostPort = first === 0 ? await freePort() : first + at;
    const order = {
      execute: 'add_hostfwd',
      arguments: { proto: protocol, host_addr: hostIp, host_port: hostPort, guest_port: containerPort },
    };
    const answer = await ask(control, order);
    if (answer.error === undefined) return { protocol, containerPort, hostIp, hostPort };
    if (hostIp.includes(':')) throw runtimeError('RUNTIME_PORT', { where, code: answer.error });
  }
  // It does not say why: for an ordinary user low ports are the other reason.
  if (first !== 0 && first < 1024) throw runtimeError('RUNTIME_PORT', { where, code: 'EACCES' });
  throw runtimeError('RUNTIME_PORT_TAKEN', { where });
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** One order over the control socket, which answers with one document and closes. */
async function ask(control: string, order: object): Promise<{ readonly error?: string }> {
  const socket = connect(control);
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    if (text.length < MAX_ANSWER_CHARACTERS) text += String(bytes);
  });
  socket.end(JSON.stringify(order));
  await once(socket, 'close');
  try {
    const { error } = JSON.parse(text) as { error?: { desc?: string } };
    return error === undefined ? {} : { error: String(error.desc) };
  } catch {
    throw runtimeError('RUNTIME_NETWORK', { problem: `slirp4netns answers ${JSON.stringify(text)}` });
  }
}
