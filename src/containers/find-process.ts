import { readdirSync, readFileSync } from 'node:fs';

/** A container's namespace lies in its keeper's, and that in ours. */
const DEPTH = 2;

/**
 * The first process of the container that this command runs, by its pid here; undefined while there is none. It is the descendant that is number 1 of a
 * pid namespace two below ours, whatever executor started it. A few milliseconds.
 */
export function findContainerProcess(command: number): number | undefined {
  const depth = pidsOf('self').length + DEPTH;
  return descendants(command).find((pid) => {
    const pids = pidsOf(String(pid));
    return pids.length === depth && pids.at(-1) === 1;
  });
}

/** All processes in the namespace of the container that this command runs, those of `exec` too, by their pids here, in the order of these; none where it has no namespace of its own. */
export function containerProcesses(command: number): number[] {
  const depth = pidsOf('self').length + DEPTH;
  return descendants(command)
    .filter((pid) => pidsOf(String(pid)).length >= depth)
    .sort((a, b) => a - b);
}

function descendants(command: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? parentOf(name) : undefined;
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  return [...parents.keys()].filter((pid) => descends(pid, command, parents));
}

function descends(pid: number, from: number, parents: ReadonlyMap<number, number>): boolean {
  let at = parents.get(pid);
  for (let depth = 0; at !== undefined && depth < parents.size; depth++) {
    if (at === from) return true;
    at = parents.get(at);
  }
  return false;
}

/** proc(5), status: a process's number in each namespace from ours to its own. */
function pidsOf(pid: string): number[] {
  const line = /^NSpid:\s*(.*)$/m.exec(readOr(`/proc/${pid}/status`))?.[1] ?? '';
  return line
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(Number);
}

function parentOf(pid: string): number | undefined {
  const stat = readOr(`/proc/${pid}/stat`);
  if (stat === '') return undefined;
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? undefined : Number(parent);
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
