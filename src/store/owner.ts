import { lstatSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * What can be told of a process that left a file. `unknown`: it lives in another pid namespace or on another machine,
 * so its files are kept until they are old.
 */
export type OwnerState = 'alive' | 'dead' | 'unknown';

/** Age in milliseconds after which a file of an unknown owner counts as left over: longer than any build (containerd gives a lease 24 hours too). */
export const UNKNOWN_OWNER_MS = 24 * 60 * 60 * 1000;

let own: string | undefined;

/**
 * This process as text for file names: pid, start time in clock ticks, pid namespace, boot. Made from plain reads (30 µs, once), so that
 * commands which only read load no native code. Off Linux only the pid is known.
 */
export function ownerId(): string {
  own ??= [process.pid, startTime('self') ?? 0, pidNamespace(), bootId()].join('-');
  return own;
}

/**
 * From now on this process's files are another's: that of the process which started it and cannot outlive it, when this one lives in a pid namespace of its own,
 * where nobody could tell later whether it is dead.
 */
export function adoptOwner(id: string): void {
  own = id;
}

/** The pid of a process with this id, as this process would call it; undefined for one in another pid namespace. */
export function ownerPid(id: string): number | undefined {
  const match = OWNER.exec(id);
  return match === null || Number(match[3]) !== pidNamespace() ? undefined : Number(match[1]);
}

const OWNER = /^(\d{1,10})-(\d{1,20})-(\d{1,12})-([0-9a-f]{1,12})$/;

/** Whether the process with this id still runs. A pid given to another process, or an id from before the last boot, reads as dead. */
export function ownerState(id: string): OwnerState {
  const match = OWNER.exec(id);
  if (match === null) return 'unknown';
  const [, pid, start, namespace, boot] = match;
  if (id === ownerId()) return 'alive';
  if (boot !== bootId()) return 'dead';
  if (Number(namespace) !== pidNamespace()) return 'unknown';
  if (namespace === '0') return exists(Number(pid)) ? 'alive' : 'dead';
  if (!procShowsUs()) return 'unknown';
  const started = startTime(pid!);
  // /proc may hide other users' processes (hidepid).
  if (started === undefined) return exists(Number(pid)) ? 'unknown' : 'dead';
  return started === Number(start) ? 'alive' : 'dead';
}

/** True if the file's owner is dead, or cannot be asked and the file is a day old. */
export function isLeftOver(path: string, owner: string): boolean {
  const state = ownerState(owner);
  if (state !== 'unknown') return state === 'dead';
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > UNKNOWN_OWNER_MS;
}

/** Field 22 of /proc/<pid>/stat; the name in field 2 may hold anything, so the fields are counted after its last parenthesis. -1 for a zombie. */
function startTime(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? -1 : Number(fields[19]);
  } catch {
    return undefined;
  }
}

let namespaceNumber: number | undefined;
function pidNamespace(): number {
  namespaceNumber ??= Number(/\d+/.exec(orEmpty(() => readlinkSync('/proc/self/ns/pid')))?.[0] ?? 0);
  return namespaceNumber;
}

let boot: string | undefined;
function bootId(): string {
  boot ??= orEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1'))
    .replace(/[^0-9a-f]/g, '')
    .slice(0, 12);
  if (boot === '') boot = '0';
  return boot;
}

/** False where /proc is that of another pid namespace: its numbers say nothing about ours. */
function procShowsUs(): boolean {
  return orEmpty(() => readlinkSync('/proc/self')) === String(process.pid);
}

function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
