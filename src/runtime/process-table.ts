import { readdirSync, readFileSync } from 'node:fs';

/** A process as /proc shows it. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** Clock ticks from the machine's start to its own: with the pid it names the process, as pids are used again. */
  readonly started: number;
  /** False for one that has ended and that its parent has not asked about yet. */
  readonly alive: boolean;
}

/** All descendants of a process that can be seen, in no order. */
export function descendantsOf(root: number): ProcessRow[] {
  const rows = new Map<number, ProcessRow>();
  for (const name of readdirSync('/proc')) {
    const row = /^\d+$/.test(name) ? readProcess(Number(name)) : undefined;
    if (row !== undefined) rows.set(row.pid, row);
  }
  return [...rows.values()].filter((row) => {
    let at: number | undefined = row.parent;
    for (let depth = 0; at !== undefined && depth < rows.size; depth++) {
      if (at === root) return true;
      at = rows.get(at)?.parent;
    }
    return false;
  });
}

/** A process's number in each pid namespace from ours to its own; empty if there is none. proc(5), status, NSpid */
export function pidsOf(pid: string): number[] {
  const line = /^NSpid:\s*(.*)$/m.exec(readOr(`/proc/${pid}/status`))?.[1] ?? '';
  return line
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(Number);
}

/** When this machine was started, in milliseconds since the epoch; 0 where that cannot be told. proc(5), stat, btime */
export function readBootTime(): number {
  try {
    return Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'latin1'))?.[1] ?? 0) * 1000;
  } catch {
    return 0;
  }
}

/** One process; undefined if there is none. proc(5), stat: after the name in parentheses, which may hold anything, come state, parent, group and session. */
export function readProcess(pid: number): ProcessRow | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, parent, , session] = fields;
    const alive = state !== 'Z' && state !== 'X';
    return { pid, parent: Number(parent), session: Number(session), started: Number(fields[19]), alive };
  } catch {
    return undefined;
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
