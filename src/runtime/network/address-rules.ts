import { spawn } from 'node:child_process';
import { randomBytes } from '../../base/random.ts';
import { runtimeError } from '../errors.ts';
import { BRIDGE } from './bridge.ts';
import { TOOL_ENV } from './run-tool.ts';
import { interfaceOf } from './subnets.ts';
import type { PublishedPort } from './types.ts';

/** A running nft, and rules that are in force until `close`, or until this process dies. */
export interface AddressRules {
  /**
   * Has the kernel translate addresses for a container: what it sends leaves as this machine's, what comes for its ports from elsewhere goes to it with the sender's address kept. Connections
   * to this machine's loopback are not among them. Once. @throws RUNTIME_NETWORK
   */
  make(address: string, ports: readonly PublishedPort[]): Promise<void>;
  close(): void;
}

/** Starts nft, which takes 10 ms, before an address is known. The rules lie in a table that belongs to it, so that the kernel removes them with that process. */
export function openRules(nft: string): AddressRules {
  const child = spawn(nft, ['-i'], { stdio: 'pipe', env: { ...TOOL_ENV, HOME: '/nowhere' }, cwd: '/' });
  let said = '';
  let problem: Error | undefined;
  let tell = (_: Error): void => {};
  const fail = (error: Error): void => {
    problem ??= error;
    tell(problem);
  };
  const failed = (): void =>
    fail(runtimeError('RUNTIME_NETWORK', { problem: `nft: ${said.trim().split('\n')[0] || 'it ended'}` }));
  child.once('error', fail);
  child.once('close', failed);
  child.stdin.on('error', () => {});
  child.stderr.on('data', (bytes: Buffer) => {
    said += String(bytes);
    failed();
  });
  return {
    async make(address, ports) {
      // One that died a moment ago may still have its table.
      const name = `${interfaceOf(address)}-${randomBytes(4).toString('hex')}`;
      const { text, count } = rulesText(name, address, ports);
      let listed = '';
      await new Promise<void>((resolve, reject) => {
        tell = reject;
        if (problem !== undefined) reject(problem);
        child.stdout.on('data', (bytes: Buffer) => {
          listed += String(bytes);
          if (listed.match(/masquerade|dnat to/g)?.length === count) resolve();
        });
        child.stdin.write(`${text}list table ip ${name}\n`);
      });
      child.stdout.resume();
      child.unref();
    },
    close: () => void child.kill('SIGKILL'),
  };
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
