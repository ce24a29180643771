import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  truncateSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { fsPath } from '../base/names.ts';
import { timesFd } from '../linux/at.ts';
import { copyPath } from '../rootfs/copy-tree.ts';
import { removeBelow } from '../rootfs/remove-below.ts';
import { runtimeError } from './errors.ts';
import type { FileBind } from './prepare-process.ts';
import { kindInRoot, makeDirectories, makeEmptyFile, resolveInRoot } from './root-path.ts';

/** What stands in a root in place of mounts. */
export interface Placements {
  /** Takes everything out again and puts back what was there before. Only when no process runs in the root any more. */
  takeOut(): void;
}

/**
 * Shows files and folders in a root in which nothing can be mounted: what is at the target is moved aside, and the thing itself moved in its place, or a copy.
 * `aside` is a folder of the same file system, `mountPoints` what was made
 * for the run only. Parents come first. `why` is for errors: the reason why there are no mounts.
 * @throws RUNTIME_UNISOLATED for what only a mount could do; nothing is left in the root then
 */
export function placeInRoot(
  root: { readonly merged: string; readonly aside: string; readonly mountPoints: readonly string[] },
  binds: readonly FileBind[],
  why: string,
): Placements {
  mkdirSync(fsPath(root.aside), { mode: 0o700 });
  const placed: (() => void)[] = [];
  const takeOut = (): void => {
    for (const undo of placed.splice(0).reverse()) undo();
  };
  try {
    for (const [at, bind] of binds.entries()) {
      refuse(bind, why);
      const isStub = root.mountPoints.includes(bind.target);
      placed.push(placeOne({ merged: root.merged, aside: join(root.aside, String(at)), isStub }, bind, why));
    }
  } catch (error) {
    takeOut();
    throw error;
  }
  return { takeOut };
}

function refuse({ kind, own, readOnly, target }: FileBind, why: string): void {
  if (kind === 'device') throw runtimeError('RUNTIME_UNISOLATED', { what: `the device at /${target}`, why });
  if (own !== true && !readOnly) {
    const hint = 'read-only (:ro) it can be had, as a copy';
    throw runtimeError('RUNTIME_UNISOLATED', { what: `the writable volume /${target}`, why }, { hint });
  }
}

function placeOne(
  { merged, aside, isStub }: { readonly merged: string; readonly aside: string; readonly isStub: boolean },
  bind: FileBind,
  why: string,
): () => void {
  // Once more, now over what is placed already: a link in there must not lead out of the root.
  const place = resolveInRoot(merged, bind.target);
  if (kindInRoot(place) === 'missing') {
    (bind.kind === 'directory' ? makeDirectories : makeEmptyFile)(merged, place);
  }
  // Held open: whatever a step does to the way there, it is put back into this folder and no other.
  const parent = openSync(
    fsPath(dirname(place.host)),
    constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW,
  );
  const name = basename(place.host);
  const at = `/proc/self/fd/${parent}/${name}`;
  const home = readlinkSync(`/proc/self/fd/${parent}`);
  const before = timeOf(`/proc/self/fd/${parent}/.`);
  renameSync(fsPath(at), fsPath(aside));
  let content: number | undefined;
  const putBack = (): void => {
    // Made as a mount point, and known as one where it was made only.
    const isMoved = (): boolean => readlinkSync(`/proc/self/fd/${parent}`) !== home;
    if (isStub && isMoved()) return;
    try {
      renameSync(fsPath(aside), fsPath(at));
    } catch (error) {
      // The step has removed the whole folder: then this went with it.
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  };
  try {
    if (bind.own === true) renameSync(fsPath(bind.source), fsPath(at));
    else if (!copyPath(bind.source, at)) {
      throw runtimeError('RUNTIME_UNISOLATED', { what: `the socket at /${bind.target}`, why });
    }
    if (lstatSync(fsPath(at)).isFile())
      content = openSync(fsPath(at), constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    putBack();
    closeSync(parent);
    throw error;
  }
  const shown = identityOf(at);
  const then = timeOf(`/proc/self/fd/${parent}/.`);

  return () => {
    const now = timeOf(`/proc/self/fd/${parent}/.`);
    // What a step moved elsewhere, or gave a second name, is in the root still, and must say nothing there.
    if (content !== undefined) {
      // By a way of its own: a file open for writing could not have been started as a program.
      truncateSync(`/proc/self/fd/${content}`);
      closeSync(content);
    }
    if (bind.own === true && shown !== undefined && identityOf(at) === shown) {
      renameSync(fsPath(at), fsPath(bind.source));
    } else removeBelow(parent, name);
    putBack();
    // The folder's time shows what the step did in it, not what was done here.
    const { seconds, nanos } = now.all === then.all ? before : now;
    timesFd(parent, seconds, nanos, dirname(place.host));
    closeSync(parent);
  };
}

/** Undefined if there is nothing. */
function identityOf(path: string): string | undefined {
  const stats = lstatSync(fsPath(path), { bigint: true, throwIfNoEntry: false });
  return stats && `${stats.dev}:${stats.ino}`;
}

const NANOS = 1_000_000_000n;

function timeOf(folder: string): { readonly all: bigint; readonly seconds: number; readonly nanos: number } {
  const { mtimeNs } = lstatSync(folder, { bigint: true });
  const nanos = ((mtimeNs % NANOS) + NANOS) % NANOS;
  return { all: mtimeNs, seconds: Number((mtimeNs - nanos) / NANOS), nanos: Number(nanos) };
}
