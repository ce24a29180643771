import { descendantsOf, pidsOf } from '../runtime/process-table.ts';

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

const descendants = (command: number): number[] =>
  descendantsOf(command)
    .filter(({ alive }) => alive)
    .map(({ pid }) => pid);
