import { readFileSync } from 'node:fs';

const SYS_ADMIN = 21;

/** What a RUN needs where there are no namespaces: to change owners, users and the root, to end what it started, and to take the last right away from it. */
const NEEDED: readonly (readonly [name: string, number: number])[] = [
  ['CAP_CHOWN', 0],
  ['CAP_DAC_OVERRIDE', 1],
  ['CAP_FOWNER', 3],
  ['CAP_KILL', 5],
  ['CAP_SETGID', 6],
  ['CAP_SETUID', 7],
  ['CAP_SETPCAP', 8],
  ['CAP_SYS_CHROOT', 18],
];

/** Why root cannot make namespaces here, if that is known without trying. Others may still be able to make a user namespace. */
export function whyNoNamespaces(status = ownStatus()): string | undefined {
  return has(effective(status), SYS_ADMIN) ? undefined : 'root has no CAP_SYS_ADMIN here';
}

/** What this process lacks to run steps without namespaces; empty when nothing. */
export function missingRights(uid: number, status = ownStatus()): readonly string[] {
  if (uid !== 0) return ['the rights of root'];
  const rights = effective(status);
  return NEEDED.filter(([, number]) => !has(rights, number)).map(([name]) => name);
}

function ownStatus(): string {
  return readFileSync('/proc/self/status', 'latin1');
}

/** proc(5), status: the effective capabilities, hexadecimal. */
function effective(status: string): bigint {
  return BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
}

function has(rights: bigint, number: number): boolean {
  return ((rights >> BigInt(number)) & 1n) === 1n;
}
