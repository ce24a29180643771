import { rmSync } from 'node:fs';
import { fsPath } from '../base/names.ts';

/**
 * Removes a directory with all below it, symbolic links themselves and never what they point at.
 * A name that refuses (immutable file, a mount below) leaves the rest and throws the system error.
 */
export function removeTree(path: string): void {
  rmSync(fsPath(path), { recursive: true, force: true, maxRetries: 2 });
}
