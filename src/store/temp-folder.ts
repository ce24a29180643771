import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { decodeName, fsPath } from '../base/names.ts';
import { randomBytes } from '../base/random.ts';
import { ensureLayout } from './layout.ts';
import { ownerId } from './owner.ts';

/** A folder that goes with its process: what a killed one leaves, the next command that writes removes. */
export interface TempFolder {
  readonly path: string;
  remove(): void;
}

/** Makes an empty folder of mode 0700 in `tmp/` of the store at `folder`. */
export function makeTempFolder(folder: string): TempFolder {
  ensureLayout(folder, () => {});
  const path = join(folder, 'tmp', `${ownerId()}.${randomBytes(8).toString('hex')}`);
  mkdirSync(path, { mode: 0o700 });
  return { path, remove: () => removeFolder(path) };
}

/** Removes a folder with all below it, also where folders in it are closed to their owner. No link is followed. */
export function removeFolder(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    // Node 24 tells no code here.
    if (systemCode(error) === 'EROFS') throw error;
    openUp(path);
    rmSync(path, { recursive: true, force: true });
  }
}

function openUp(path: string): void {
  if (lstatSync(fsPath(path), { throwIfNoEntry: false })?.isDirectory() !== true) return;
  chmodSync(fsPath(path), 0o700);
  for (const name of readdirSync(fsPath(path), { encoding: 'buffer' })) openUp(`${path}/${decodeName(name)}`);
}
