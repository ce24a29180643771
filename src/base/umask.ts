/**
 * The person's umask, in a program that works under another one now and then: what it makes for containers must not depend on it.
 * @module
 */

let theirs = 0;
let workers = 0;

/** Until the function returned is called, this process, and what it starts, makes files that others may read. */
export function workOpenly(): () => void {
  if (workers++ === 0) theirs = process.umask(0o022);
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    if (--workers === 0) process.umask(theirs);
  };
}

/** The mode of a file that is made for the person, while others may be worked for. */
export const theirMode = (mode: number): number => (workers === 0 ? mode : mode & ~theirs);
