import { mkdirSync } from 'node:fs';
import { relative } from 'node:path';
import type { Layer } from '../layer/types.ts';
import { packTar, writeLayer } from '../layer/write-layer.ts';
import type { Digest } from '../oci/types.ts';
import { folderBytes } from './folder-bytes.ts';
import { keptFormat, pointsOf, rootOf } from './kept-roots.ts';
import { listChanges } from './list-changes.ts';
import { readMountPoints } from './mount-points.ts';
import { markPrefix } from './overlay-marks.ts';
import { plannedChanges } from './planned-changes.ts';
import { removeTree } from './remove-tree.ts';
import { type Scan, scanChanges } from './scan-changes.ts';
import { snapshotName } from './snapshot-names.ts';
import { codeOf } from './system-errors.ts';
import { openTreeView } from './tree-view.ts';
import type { RootLook } from './types.ts';
import { runInWorker, type UnpackTools } from './unpack.ts';

/** A root in which processes run may lose a file between its name and a look at it: then all is looked at again, so often. */
const MAX_LOOKS = 8;

/** The root of a container's folder over unpacked layers; without one the layers alone. `chains` are those of `layers`. @throws ROOTFS_KEPT_FORMAT */
export function lookAtRoot(
  tools: UnpackTools,
  chains: readonly Digest[],
  { folder, running }: { readonly folder: string; readonly running: boolean },
  release: () => void,
): RootLook {
  const { session, snapshots, paths, format } = tools;
  const exists = keptFormat(folder, format) !== undefined;
  const home = rootOf(folder);
  const marks = markPrefix(format);
  const changed = `${home}/${format === 'whole' ? 'm' : 'u'}`;
  const own = session.makeFolder();
  const userxattr = format === 'user';
  const names = chains.map(snapshotName).reverse();
  const top = chains.at(-1);

  const withBelow = <T>(use: (below: string | undefined) => T): T => {
    if (format === 'whole') return use(top === undefined ? undefined : snapshots.folderOf(top));
    const view = openTreeView(paths.layers, names, userxattr, `${own}/b`);
    try {
      return use(view?.path);
    } finally {
      view?.close();
    }
  };
  const scanned = <T>(from: string, use: (scan: Scan, below: string | undefined) => T): T =>
    withBelow((below) =>
      use(scanChanges({ changed: from, below, marks, mountPoints: readMountPoints(pointsOf(home)) }), below),
    );
  /** What can be read as a whole: nothing in it changes any more. */
  let copied: Promise<string> | undefined;
  const settled = (): Promise<string> => {
    if (!running || !exists) return Promise.resolve(changed);
    copied ??= (async () => {
      const to = `${own}/c`;
      mkdirSync(to, { mode: 0o700 });
      await runInWorker({ kind: 'copy', from: changed, to, moving: true }, {});
      return to;
    })();
    return copied;
  };
  /** Calls `use` with a folder that shows all files. */
  const withMerged = async <T>(use: (path: string) => Promise<T>): Promise<T> => {
    const from = await settled();
    const whole = exists ? from : top && snapshots.folderOf(top);
    if (format === 'whole' && whole !== undefined) return use(whole);
    const lowers = exists ? [relative(paths.layers, from), ...names] : names;
    const view = openTreeView(paths.layers, lowers, userxattr, `${own}/b`);
    if (view === undefined) {
      mkdirSync(`${own}/e`, { recursive: true });
      return use(`${own}/e`);
    }
    try {
      return await use(view.path);
    } finally {
      view.close();
    }
  };

  return {
    changes() {
      if (!exists) return [];
      for (let look = 1; ; look++) {
        try {
          return scanned(changed, (scan, below) => [...listChanges(scan, below)]);
        } catch (error) {
          if (!running || look === MAX_LOOKS || codeOf(error) !== 'ENOENT') throw error;
        }
      }
    },
    async commit(o = {}): Promise<Layer | undefined> {
      if (!exists) return undefined;
      const from = await settled();
      const scan = scanned(from, (found) => found);
      if (!scan.root.included) return undefined;
      return writeLayer(tools.store, plannedChanges(scan.root, from, o.epoch), o);
    },
    pack: (path, o = {}) =>
      withMerged(async (merged) => {
        const mountPoints = exists ? readMountPoints(pointsOf(home)) : [];
        const { root } = scanChanges({ changed: merged, below: undefined, marks: undefined, mountPoints });
        return (await packTar(path, [...plannedChanges(root, merged, undefined)], o)).size;
      }),
    merged: withMerged,
    bytes() {
      if (!exists) return 0;
      if (format !== 'whole') return folderBytes(changed);
      return scanned(changed, ({ root }) => changedBytes(root));
    },
    close() {
      removeTree(own);
      release();
    },
  };
}

function changedBytes(node: Scan['root']): number {
  const own = node.changed && node.facts.kind === 'file' ? node.facts.size : 0;
  return node.children.reduce((sum, child) => sum + changedBytes(child), own);
}
