import { close, mkdirSync } from 'node:fs';
import { relative } from 'node:path';
import type { Layer } from '../layer/types.ts';
import { AT_FDCWD, chmodAt, chownAt, O_DIRECTORY, O_PATH, openAt, timesAt } from '../linux/at.ts';
import { MNT_DETACH, UMOUNT_NOFOLLOW, unmount } from '../linux/mount.ts';
import { mountOverlay } from '../linux/overlay.ts';
import { setXattr } from '../linux/xattr.ts';
import type { Digest } from '../oci/types.ts';
import { createRoot } from './create-root.ts';
import { readFacts, readXattrs } from './file-facts.ts';
import { homeOf, pointsOf } from './kept-roots.ts';
import { markPrefix } from './overlay-marks.ts';
import { snapshotName } from './snapshot-names.ts';
import { codeOf, withPlaceAsync } from './system-errors.ts';
import { openTreeView } from './tree-view.ts';
import type { MountPlan, Rootfs, RootPlace } from './types.ts';
import type { UnpackTools } from './unpack.ts';

/** A root whose changes go to an upper directory of their own. `chains` are those of `layers`, all unpacked. */
export async function createOverlayRoot(
  tools: UnpackTools,
  layers: readonly Layer[],
  chains: readonly Digest[],
  release: () => void,
  place: RootPlace | undefined,
): Promise<Rootfs> {
  const { snapshots, session, paths, format } = tools;
  const folder = session.makeFolder();
  const merged = `${folder}/m`;
  const top = chains.at(-1);
  const home = await withPlaceAsync('making', folder, async () => {
    mkdirSync(merged, { mode: 0o755 });
    return homeOf(folder, place, format, (made) => {
      for (const path of [`${made}/u`, `${made}/w`]) mkdirSync(path, { mode: 0o755 });
      // The kernel shows the upper directory's own attributes as those of the root.
      copyRootAttributes(top === undefined ? undefined : snapshots.folderOf(top), `${made}/u`);
    });
  });
  const upper = `${home}/u`;
  const work = `${home}/w`;
  const userxattr = format === 'user';
  // Short names relative to the snapshots: what mount(2) takes is limited.
  const named = (path: string): string => relative(paths.layers, path);
  const names = chains.map(snapshotName).reverse();
  const emptyLower = (): string[] => {
    mkdirSync(`${folder}/e`, { mode: 0o755, recursive: true });
    return [named(`${folder}/e`)];
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
    points: place === undefined ? undefined : pointsOf(home),
    plan,
    layers,
    changed: upper,
    marks: markPrefix(format),
    mount() {
      const writable = { upper: named(upper), work: named(work), lasting: place?.keep === true };
      const lowers = names.length === 0 ? emptyLower() : names;
      mountOverlay({ base: paths.layers, lowers, writable, userxattr }, merged);
    },
    unmount() {
      if (place?.keep === true) {
        unmountBehind(merged);
        return;
      }
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

/**
 * Takes the root out of view at once. With the last reference to an overlay that is not volatile the kernel writes out all that the file system of its upper directory has
 * not written yet, whosever it is, which takes many seconds on a busy disk: nobody waits for that but this process at its end.
 * The directories may be mounted again meanwhile, which the kernel's log calls undefined if both are used: this one is not, it is only let go of.
 */
function unmountBehind(merged: string): void {
  const reference = openAt(AT_FDCWD, merged, O_PATH | O_DIRECTORY);
  unmount(merged, UMOUNT_NOFOLLOW | MNT_DETACH);
  close(reference, () => {});
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
