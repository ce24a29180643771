import { mkdirSync } from 'node:fs';
import type { Layer } from '../layer/types.ts';
import { AT_FDCWD, chmodAt, chownAt, timesAt } from '../linux/at.ts';
import { MNT_DETACH, UMOUNT_NOFOLLOW, unmount } from '../linux/mount.ts';
import { mountOverlay } from '../linux/overlay.ts';
import { setXattr } from '../linux/xattr.ts';
import type { Digest } from '../oci/types.ts';
import { createRoot } from './create-root.ts';
import { readFacts, readXattrs } from './file-facts.ts';
import { markPrefix } from './overlay-marks.ts';
import { snapshotName } from './snapshot-names.ts';
import { codeOf, withPlace } from './system-errors.ts';
import { openTreeView } from './tree-view.ts';
import type { MountPlan, Rootfs } from './types.ts';
import type { UnpackTools } from './unpack.ts';

/** A root whose changes go to an upper directory of their own. `chains` are those of `layers`, all unpacked. */
export function createOverlayRoot(
  tools: UnpackTools,
  layers: readonly Layer[],
  chains: readonly Digest[],
  release: () => void,
): Rootfs {
  const { snapshots, session, paths, format } = tools;
  const folder = session.makeFolder();
  const upper = `${folder}/u`;
  const work = `${folder}/w`;
  const merged = `${folder}/m`;
  const top = chains.at(-1);
  withPlace('making', folder, () => {
    for (const path of [upper, work, merged]) mkdirSync(path, { mode: 0o755 });
    // The kernel shows the upper directory's own attributes as those of the root.
    copyRootAttributes(top === undefined ? undefined : snapshots.folderOf(top), upper);
  });
  const userxattr = format === 'user';
  // Short names relative to the snapshots: what mount(2) takes is limited.
  const relative = (path: string): string => `../..${path.slice(tools.base.length)}`;
  const names = chains.map(snapshotName).reverse();
  const emptyLower = (): string[] => {
    mkdirSync(`${folder}/e`, { mode: 0o755, recursive: true });
    return [relative(`${folder}/e`)];
  };
  const plan: MountPlan = {
    kind: 'overlay',
    lowers: [...chains].reverse().map(snapshots.folderOf),
    upper,
    work,
    merged,
    userxattr,
  };
  return createRoot({
    ...tools,
    folder,
    plan,
    layers,
    changed: upper,
    marks: markPrefix(format),
    mount() {
      const writable = { upper: relative(upper), work: relative(work) };
      const lowers = names.length === 0 ? emptyLower() : names;
      mountOverlay({ base: paths.layers, lowers, writable, userxattr }, merged);
    },
    unmount() {
      try {
        unmount(merged, UMOUNT_NOFOLLOW);
      } catch (error) {
        if (codeOf(error) !== 'EBUSY') throw error;
        unmount(merged, UMOUNT_NOFOLLOW | MNT_DETACH);
      }
    },
    openBelow: () => openTreeView(paths.layers, names, userxattr, `${folder}/b`),
    release,
  });
}

function copyRootAttributes(from: string | undefined, to: string): void {
  const facts = from === undefined ? undefined : readFacts(from);
  if (from === undefined || facts === undefined) {
    chmodAt(AT_FDCWD, to, 0o755);
    timesAt(AT_FDCWD, to, 0);
    return;
  }
  chownAt(AT_FDCWD, to, facts.uid, facts.gid);
  for (const [name, value] of readXattrs(from) ?? []) setXattr(to, name, value);
  chmodAt(AT_FDCWD, to, facts.mode);
  timesAt(AT_FDCWD, to, facts.seconds, facts.nanos);
}
