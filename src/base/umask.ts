/**
 * The person's umask, in a program that works under another one: what it makes for containers must not depend on it.
 * @module
 */

let theirs: number | undefined;

/** From now on this process, and what it starts, makes files that others may read. */
export function workOpenly(): void {
  theirs ??= process.umask(0o022);
}

/** The mode of a file that is made for the person. */
export const theirMode = (mode: number): number => mode & ~(theirs ?? 0);
