import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { runtimeError } from '../errors.ts';
import { BRIDGE } from './bridge.ts';
import { TOOL_ENV } from './run-tool.ts';
import { interfaceOf } from './subnets.ts';
import type { PublishedPort } from './types.ts';

/** Rules that are in force until `close`, or until this process dies. */
export interface AddressRules {
  close(): void;
}

/**
 * Has the kernel translate addresses for a container: what it sends leaves as this machine's, what comes for its ports from elsewhere goes to it with the sender's address kept. The
 * rules lie in a table that belongs to a running nft, so that the kernel removes them with that process. Connections to this machine's loopback are not among them.
 * @throws RUNTIME_RULES
 */
export async function makeRules(
  nft: string,
  address: string,
  ports: readonly PublishedPort[],
): Promise<AddressRules> {
  // One that died a moment ago may still have its table.
  const name = `${interfaceOf(address)}-${randomBytes(4).toString('hex')}`;
  const child = spawn(nft, ['-i'], { stdio: 'pipe', env: { ...TOOL_ENV, HOME: '/nowhere' }, cwd: '/' });
  let said = '';
  let listed = '';
  const { text, count } = rulesText(name, address, ports);
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (): void => {
        reject(
          runtimeError('RUNTIME_NETWORK', { problem: `nft: ${said.trim().split('\n')[0] || 'it ended'}` }),
        );
      };
      child.once('error', reject);
      child.once('close', fail);
      child.stdin.on('error', () => {});
      child.stderr.on('data', (bytes: Buffer) => {
        said += String(bytes);
        fail();
      });
      child.stdout.on('data', (bytes: Buffer) => {
        listed += String(bytes);
        if (listed.match(/masquerade|dnat to/g)?.length === count) resolve();
      });
      child.stdin.write(`${text}list table ip ${name}\n`);
    });
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  child.stdout.resume();
  child.unref();
  return { close: () => void child.kill('SIGKILL') };
}

function rulesText(
  name: string,
  address: string,
  ports: readonly PublishedPort[],
): { readonly text: string; readonly count: number } {
  const lines = [
    `add table ip ${name} { flags owner; }`,
    `add chain ip ${name} out { type nat hook postrouting priority srcnat; policy accept; }`,
    `add chain ip ${name} in { type nat hook prerouting priority dstnat; policy accept; }`,
    `add chain ip ${name} own { type nat hook output priority -100; policy accept; }`,
    `add rule ip ${name} out ip saddr ${address} oifname != "${BRIDGE}" masquerade`,
  ];
  for (const { protocol, hostIp, hostPort, containerPort } of ports.filter(isTranslated)) {
    const to = hostIp === '0.0.0.0' ? 'fib daddr type local ip daddr != 127.0.0.0/8' : `ip daddr ${hostIp}`;
    const rule = `${to} ${protocol} dport ${hostPort} dnat to ${address}:${containerPort}`;
    // What other containers send to this machine's address goes through the forwarder: an answer on the bridge itself would come from the wrong one.
    lines.push(`add rule ip ${name} in iifname != "${BRIDGE}" ${rule}`, `add rule ip ${name} own ${rule}`);
  }
  return {
    text: lines.map((line) => `${line}\n`).join(''),
    count: 1 + 2 * ports.filter(isTranslated).length,
  };
}

const isTranslated = ({ hostIp }: PublishedPort): boolean =>
  /^\d+\./.test(hostIp) && !hostIp.startsWith('127.');
