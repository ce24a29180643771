/**
 * What keeps a process's descendants in reach where there is no pid namespace: orphans come to it, and children die with it.
 * @module
 */
import { bindCall, checked } from './libc.ts';
import { isSpawned, takeStatus } from './spawn.ts';

const prctlCall = bindCall<number, [number, number, number, number, number]>(
  'int prctl(int option, uint64_t a, uint64_t b, uint64_t c, uint64_t d)',
);
const PR_SET_PDEATHSIG = 1;
const PR_SET_CHILD_SUBREAPER = 36;
const SIGKILL = 9;

/** From now on descendants whose parent dies become children of this process instead of leaving it (prctl(2), PR_SET_CHILD_SUBREAPER). */
export function becomeSubreaper(): void {
  checked(prctlCall(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 'prctl', 'this process');
}

/** Has this process killed when its parent dies. A change of ids or capabilities undoes it, so it comes after them. */
export function dieWithParent(): void {
  checked(prctlCall(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), 'prctl', 'this process');
}

/** Takes away what a dead child left in the process table; false if it is alive, not ours, or waited for (`spawnChild`). Never for children that Node started: it waits for them itself. */
export function reapChild(pid: number): boolean {
  return !isSpawned(pid) && takeStatus(pid) !== undefined;
}
