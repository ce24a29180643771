import { readdirSync, readFileSync } from 'node:fs';

/** More rounds than any runtime forks while it starts; each round kills all that it finds. */
const MAX_ROUNDS = 64;

/**
 * Kills a process and all its descendants, also those in deeper pid namespaces (the death of such a namespace's first process kills the rest of it).
 * The process is stopped first, so that nothing new starts behind the search. Synchronous: a few milliseconds.
 */
export function killTree(pid: number): void {
  signal(pid, 'SIGSTOP');
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const found = descendants(pid);
    if (found.length === 0) break;
    for (const each of found) signal(each, 'SIGKILL');
  }
  signal(pid, 'SIGKILL');
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}

/** Living descendants of a process. */
function descendants(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = livingParent(name);
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  return [...parents.keys()].filter((pid) => {
    let at = parents.get(pid);
    for (let depth = 0; at !== undefined && depth < parents.size; depth++) {
      if (at === root) return true;
      at = parents.get(at);
    }
    return false;
  });
}

/** proc(5), stat: after the name in parentheses, which may hold anything, come state and parent. */
function livingParent(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}
