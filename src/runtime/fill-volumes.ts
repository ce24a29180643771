import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fsPath } from '../base/names.ts';
import type { CallOptions } from '../base/options.ts';
import { AT_FDCWD, closeFd, O_DIRECTORY, O_RDONLY, openAt } from '../linux/at.ts';
import { type FileLock, openLock } from '../linux/flock.ts';
import { emptyFolder } from '../rootfs/remove-below.ts';
import type { Snapshotter } from '../rootfs/types.ts';
import { kindInRoot, resolveInRoot } from './root-path.ts';
import type { BindMount } from './types.ts';

/** Between two tries for a volume that another container is being started with, in milliseconds. */
const PAUSE_MS = 10;

/** Copies what the image has at the place of an empty volume into it, with owners and modes, as docker does; what a kill left half done is begun again. */
export async function fillVolumes(
  snapshotter: Pick<Snapshotter, 'copyFolder'>,
  merged: string,
  binds: readonly BindMount[],
  o: CallOptions,
): Promise<void> {
  for (const { source, target, fill } of binds.filter(({ volume }) => volume !== undefined)) {
    const home = dirname(source);
    const mark = `${home}/filling`;
    // Also who fills nothing settles that: the next one would take what is written now for the half that was done.
    if (fill !== true && !existsSync(fsPath(mark))) continue;
    const lock = await lockOf(`${home}/lock`, o);
    try {
      if (existsSync(fsPath(mark))) {
        empty(source);
        rmSync(fsPath(mark));
      }
      if (fill !== true) continue;
      const place = resolveInRoot(merged, target);
      if (kindInRoot(place) !== 'directory') continue;
      if (readdirSync(fsPath(source)).length > 0 || readdirSync(fsPath(place.host)).length === 0) continue;
      writeFileSync(fsPath(mark), '');
      await snapshotter.copyFolder(place.host, source, o);
      rmSync(fsPath(mark));
    } finally {
      lock.release();
    }
  }
}

function empty(folder: string): void {
  const fd = openAt(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY);
  try {
    emptyFolder(fd);
  } finally {
    closeFd(fd);
  }
}

async function lockOf(path: string, { signal }: CallOptions): Promise<FileLock> {
  for (;;) {
    const lock = openLock(path, 'exclusive');
    if (lock !== undefined) return lock;
    await new Promise((resume) => setTimeout(resume, PAUSE_MS));
    signal?.throwIfAborted();
  }
}
