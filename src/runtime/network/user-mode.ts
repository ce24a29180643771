import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { runtimeError } from '../errors.ts';
import type { RuntimePlace } from '../runtime-place.ts';
import { forwardPorts } from './forward-ports.ts';
import { runTool, TOOL_ENV } from './run-tool.ts';
import type { NetworkAddress, NetworkPlace, PortWish, PublishedPort } from './types.ts';

/** A network that a program outside of the namespace plays for it, with this process's own connections. */
export interface UserNetwork {
  readonly address: NetworkAddress;
  readonly nameserver: string;
  readonly ports: readonly PublishedPort[];
  close(): void;
}

/** slirp4netns's own addresses, which pasta is given. */
const ADDRESS: NetworkAddress = { address: '10.0.2.100', prefix: 24, gateway: '10.0.2.2', mac: '' };
const NAMESERVER = '10.0.2.3';
const MAX_TRIES = 20;
const MAX_ANSWER_CHARACTERS = 64 * 1024;

/** Starts slirp4netns for the namespace at `path`; its control socket is made in `folder`. @throws RUNTIME_NETWORK, RUNTIME_PORT_TAKEN, RUNTIME_PORT */
export async function startSlirp(
  slirp: string,
  { folder, path }: NetworkPlace,
  wishes: readonly PortWish[],
  { helper }: Pick<RuntimePlace, 'helper'>,
): Promise<UserNetwork> {
  const { program, args } = helper({
    program: slirp,
    args: [
      ...['--configure', '--mtu=65520', '--disable-host-loopback', '--ready-fd=3', '--api-socket=control'],
      ...['--netns-type=path', path, 'tap0'],
    ],
  });
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: TOOL_ENV,
    cwd: folder,
  });
  try {
    await untilReady(child, slirp);
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

/** Starts pasta for the namespace at `path`; it ends with its folder's namespace, or when it is closed. @throws RUNTIME_NETWORK, RUNTIME_PORT_TAKEN, RUNTIME_PORT */
export async function startPasta(
  program: string,
  { folder, path }: NetworkPlace,
  wishes: readonly PortWish[],
): Promise<UserNetwork> {
  const ports: PublishedPort[] = [];
  for (const wish of wishes) ports.push(await pickPort(wish));
  const { address, prefix, gateway } = ADDRESS;
  const pid = join(folder, 'pid');
  // It goes into the background when it is ready.
  const { code, stderr } = await runTool(program, [
    ...['--quiet', '--config-net', '--netns-only', '--no-map-gw', '--pid', pid, '--ns-ifname', 'tap0'],
    ...['--address', address, '--netmask', String(prefix), '--gateway', gateway, '--dns-forward', NAMESERVER],
    ...['-t', specOf(ports, 'tcp'), '-u', specOf(ports, 'udp'), '-T', 'none', '-U', 'none', '--netns', path],
  ]);
  const [port] = ports;
  if (code !== 0 && /bind/i.test(stderr) && port !== undefined)
    throw runtimeError('RUNTIME_PORT_TAKEN', { where: `${port.hostIp}:${port.hostPort}` });
  if (code !== 0)
    throw runtimeError('RUNTIME_NETWORK', { problem: `pasta: ${stderr.trim().split('\n').at(-1)}` });
  const number = Number(readFileSync(pid, 'latin1'));
  return { address: ADDRESS, nameserver: NAMESERVER, ports, close: () => endProcess(number) };
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function specOf(ports: readonly PublishedPort[], protocol: PortWish['protocol']): string {
  const specs = ports
    .filter((port) => port.protocol === protocol)
    .map(
      ({ hostIp, hostPort, containerPort }) =>
        `${hostIp === '0.0.0.0' ? '' : `${hostIp}/`}${hostPort}:${containerPort}`,
    );
  return specs.length === 0 ? 'none' : specs.join(',');
}

/** The first port of a wish that can be had now: pasta does not say which of its ports is taken. @throws RUNTIME_PORT_TAKEN, RUNTIME_PORT */
async function pickPort(wish: PortWish): Promise<PublishedPort> {
  const { ports, close } = await forwardPorts('127.0.0.1', [wish]);
  close();
  return ports[0]!;
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
