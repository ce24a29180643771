import { reapChild } from '../linux/children.ts';
import { descendantsOf } from './process-table.ts';

/** From the news that a child has died to the look at what nobody waits for, in milliseconds. */
const LOOK_MS = 50;

/**
 * From now on dead processes that others left to this one are taken out of the process table, as the first process of a pid namespace has to: a container whose
 * namespace still holds one (of an `exec` whose runtime was killed) can never end. Children of Node's are left to it: it has asked about them by the second look.
 */
export function reapOrphans(): void {
  let seen = new Set<string>();
  let isPlanned = false;
  const planLook = (): void => {
    if (isPlanned) return;
    isPlanned = true;
    setTimeout(look, LOOK_MS).unref();
  };
  const look = (): void => {
    isPlanned = false;
    const dead = descendantsOf(process.pid)
      .filter(({ parent, alive }) => parent === process.pid && !alive)
      .map(({ pid, started }) => ({ pid, name: `${pid}-${started}` }));
    const left = dead.filter(({ pid, name }) => !(seen.has(name) && reapChild(pid)));
    seen = new Set(left.map(({ name }) => name));
    if (left.length > 0) planLook();
  };
  process.on('SIGCHLD', planLook);
}
