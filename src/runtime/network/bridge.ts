import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { systemCode } from '../../base/errors.ts';
import { fsPath } from '../../base/names.ts';
import { inNetworkNamespace } from '../../linux/net-namespace.ts';
import { runtimeError } from '../errors.ts';
import { mustRun, runTool, TOOL_ENV } from './run-tool.ts';
import { addressesOf, freeSubnet, interfaceOf, macOf, PREFIX } from './subnets.ts';
import type { NetworkAddress } from './types.ts';

/** The bridge of this machine that its containers share. */
export const BRIDGE = 'dobos0';

/** Others make it at the same time, or take its addresses away. */
const MAX_TRIES = 10;
const MAX_CLAIMS = 4096;

/** Connects the namespace at `path` to the bridge, which is made if need be; the address it got. @throws RUNTIME_NETWORK */
export async function joinBridge(ip: string, path: string): Promise<NetworkAddress> {
  allowForwarding();
  const links = linksOfBridge(ip);
  // Heard where it is waited for.
  links.catch(() => {});
  const half = await makeBridge(ip);
  const address = await claimAddress(ip, half, path, await links);
  const gateway = `${half}.0.1`;
  const lines = [
    `address add ${address}/${PREFIX} dev eth0`,
    'link set eth0 up',
    `route add default via ${gateway}`,
  ];
  const done = inNetworkNamespace(path, () =>
    spawnSync(ip, ['-batch', '-'], {
      input: `${lines.join('\n')}\n`,
      encoding: 'utf8',
      env: TOOL_ENV,
      cwd: '/',
    }),
  );
  if (done.status !== 0) throw runtimeError('RUNTIME_NETWORK', { problem: `${ip}: ${done.stderr.trim()}` });
  return { address, prefix: PREFIX, gateway, mac: macOf(address) };
}

/** The first half of the bridge's subnet. */
async function makeBridge(ip: string): Promise<string> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const half = await subnetOfBridge(ip);
    if (half !== undefined) return half;
    const routes = JSON.parse(await mustRun(ip, ['-j', '-4', 'route', 'show', 'table', 'all'])) as {
      dst?: string;
    }[];
    const free = freeSubnet(routes.map(({ dst }) => String(dst)));
    if (free === undefined)
      throw runtimeError('RUNTIME_NETWORK', {
        problem: 'all subnets for the bridge are in use on this machine',
      });
    // Each fails if another command was faster; whether it stands is looked at again.
    await runTool(ip, ['link', 'add', 'name', BRIDGE, 'address', macOf(`${free}.0.1`), 'type', 'bridge']);
    await runTool(ip, ['address', 'add', `${free}.0.1/${PREFIX}`, 'broadcast', '+', 'dev', BRIDGE]);
    const up = await runTool(ip, ['link', 'set', BRIDGE, 'up']);
    if (up.code !== 0)
      throw runtimeError('RUNTIME_NETWORK', { problem: `no bridge can be made: ${up.stderr.trim()}` });
  }
  throw runtimeError('RUNTIME_NETWORK', { problem: `${BRIDGE} has no address, and gets none` });
}

/** Undefined if there is none that is up and has an address of ours. */
async function subnetOfBridge(ip: string): Promise<string | undefined> {
  const { code, stdout } = await runTool(ip, ['-j', '-4', 'address', 'show', 'dev', BRIDGE, 'up']);
  if (code !== 0 || stdout.trim() === '') return undefined;
  const found = JSON.parse(stdout) as { addr_info?: { local?: string; prefixlen?: number }[] }[];
  return found
    .flatMap(({ addr_info = [] }) => addr_info)
    .map(({ local = '', prefixlen }) =>
      prefixlen === PREFIX ? local.match(/^(\d+\.\d+)\.0\.1$/)?.[1] : undefined,
    )
    .find((half) => half !== undefined);
}

/** Names of the interfaces that hang on the bridge; none where there is no bridge yet. */
async function linksOfBridge(ip: string): Promise<ReadonlySet<string>> {
  const { code, stdout } = await runTool(ip, ['-j', 'link', 'show', 'master', BRIDGE]);
  if (code !== 0 || stdout.trim() === '') return new Set();
  const links = JSON.parse(stdout) as { ifname?: string }[];
  return new Set(links.flatMap(({ ifname }) => (ifname === undefined ? [] : [ifname])));
}

/** Makes the pair of interfaces whose name is the address: the kernel gives a name once, so no lock is needed, and frees it with the namespace. */
async function claimAddress(
  ip: string,
  half: string,
  path: string,
  taken: ReadonlySet<string>,
): Promise<string> {
  // By a name that may stand in a line of words, whatever the store's folder is called.
  const there = openSync(fsPath(path), 'r');
  try {
    let claims = 0;
    for (const address of addressesOf(half)) {
      if (taken.has(interfaceOf(address))) continue;
      // One start of the program for all; what comes behind a failure is not done.
      const made = await runTool(ip, ['-batch', '-'], pairOf(address, `/proc/${process.pid}/fd/${there}`));
      if (made.code === 0) return address;
      if (!/File exists/.test(made.stderr) || ++claims > MAX_CLAIMS)
        throw runtimeError('RUNTIME_NETWORK', { problem: `no interface can be made: ${made.stderr.trim()}` });
    }
  } finally {
    closeSync(there);
  }
  throw runtimeError('RUNTIME_NETWORK', { problem: `no address is free in ${half}.0.0/${PREFIX}` });
}

/** ip(8)'s words for a pair of interfaces, one on the bridge and one in the namespace. */
function pairOf(address: string, namespace: string): string {
  const name = interfaceOf(address);
  const size = `mtu ${packetSize()}`;
  const peer = `peer name eth0 ${size} address ${macOf(address)} netns ${namespace}`;
  return `link add name ${name} ${size} master ${BRIDGE} type veth ${peer}\nlink set ${name} up\n`;
}

/** Usual on a wire, in bytes. */
const MAX_PACKET = 1500;

/** What the way out of this machine takes, so that nothing gets lost where nobody tells that it is too large. */
function packetSize(): number {
  try {
    const outside = readFileSync('/proc/net/route', 'latin1').match(/^(\S+)\t00000000\t/m)?.[1];
    const size = Number(readFileSync(`/sys/class/net/${outside}/mtu`, 'latin1'));
    return size >= 576 && size < MAX_PACKET ? size : MAX_PACKET;
  } catch {
    return MAX_PACKET;
  }
}

/** Without it nothing leaves the bridge; docker switches it on too. @throws RUNTIME_NETWORK */
function allowForwarding(): void {
  const path = '/proc/sys/net/ipv4/ip_forward';
  try {
    if (readFileSync(path, 'latin1').trim() !== '1') writeFileSync(path, '1');
  } catch (error) {
    const problem = `${path} cannot be switched on: ${systemCode(error)}`;
    throw runtimeError('RUNTIME_NETWORK', { problem }, { cause: error });
  }
}
