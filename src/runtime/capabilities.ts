import { readFileSync } from 'node:fs';
import { runtimeError } from './errors.ts';
import type { Confinement } from './types.ts';

/** A capability by its OCI name, with the kernel's number (capability.h). */
export interface Capability {
  readonly name: string;
  readonly number: number;
}

/** The 14 that docker gives a container (oci.md c.1). */
const DEFAULT_CAPABILITIES: readonly Capability[] = [
  { name: 'CAP_CHOWN', number: 0 },
  { name: 'CAP_DAC_OVERRIDE', number: 1 },
  { name: 'CAP_FOWNER', number: 3 },
  { name: 'CAP_FSETID', number: 4 },
  { name: 'CAP_KILL', number: 5 },
  { name: 'CAP_SETGID', number: 6 },
  { name: 'CAP_SETUID', number: 7 },
  { name: 'CAP_SETPCAP', number: 8 },
  { name: 'CAP_NET_BIND_SERVICE', number: 10 },
  { name: 'CAP_NET_RAW', number: 13 },
  { name: 'CAP_SYS_CHROOT', number: 18 },
  { name: 'CAP_MKNOD', number: 27 },
  { name: 'CAP_AUDIT_WRITE', number: 29 },
  { name: 'CAP_SETFCAP', number: 31 },
];

/** All there are, by number (capability.h of Linux 6.12). */
const NAMES = `
  CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW
  IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG
  MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF
  CHECKPOINT_RESTORE`;

const ALL: readonly Capability[] = NAMES.trim()
  .split(/\s+/)
  .map((name, number) => ({ name: `CAP_${name}`, number }));

/** The kernel's name of a capability that a person names with or without `CAP_`, in letters of any case; `ALL` for all; undefined if there is none. */
export function capabilityName(text: string): string | undefined {
  const word = text.toUpperCase();
  if (word === 'ALL' || word === 'CAP_ALL') return 'ALL';
  const name = word.startsWith('CAP_') ? word : `CAP_${word}`;
  return ALL.some((each) => each.name === name) ? name : undefined;
}

/**
 * What a process gets: docker's, or everything, with what was added and without what was dropped; of that what this process may give on.
 * @throws RUNTIME_CAPABILITY for one that was added by name and cannot be given
 */
export function capabilitiesOf(
  privileged: boolean,
  { capAdd = [], capDrop = [] }: Pick<Confinement, 'capAdd' | 'capDrop'> = {},
): readonly Capability[] {
  const status = readFileSync('/proc/self/status', 'latin1');
  const bounding = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  const isOurs = ({ number }: Capability): boolean => ((bounding >> BigInt(number)) & 1n) === 1n;
  if (privileged) return ALL.filter(isOurs);
  const missing = ALL.find((each) => capAdd.includes(each.name) && !isOurs(each));
  if (missing !== undefined) throw runtimeError('RUNTIME_CAPABILITY', { name: missing.name });
  const isDefault = ({ name }: Capability): boolean =>
    DEFAULT_CAPABILITIES.some((each) => each.name === name);
  // As docker: what is added by name stays when all others are dropped.
  return ALL.filter(isOurs).filter((each) => {
    if (capDrop.includes(each.name)) return false;
    if (capAdd.includes(each.name)) return true;
    if (capDrop.includes('ALL')) return false;
    return capAdd.includes('ALL') || isDefault(each);
  });
}

/** Paths of the kernel's file systems that a container must not see: docker's and podman's together (oci.md c.1). */
export const MASKED_PATHS: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/dev/block',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
  '/sys/fs/selinux',
];

/** Paths that a container may only read. */
export const READ_ONLY_PATHS: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

/** The device files that every container has, bound from the host because the file systems of a container open no others. */
export const DEVICES: readonly string[] = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
