import { mkdirSync } from 'node:fs';
import { relative } from 'node:path';
import { isDobosError } from '../base/errors.ts';
import type { Layer } from '../layer/types.ts';
import { packTar, writeLayer } from '../layer/write-layer.ts';
import type { Digest } from '../oci/types.ts';
import { folderBytes } from './folder-bytes.ts';
import { keptFormat, pointsOf, rootOf } from './kept-roots.ts';
import { listChanges } from './list-changes.ts';
import { openLiveView } from './live-view.ts';
import { readMountPoints } from './mount-points.ts';
import { markPrefix } from './overlay-marks.ts';
import { plannedChanges } from './planned-changes.ts';
import { removeTree } from './remove-tree.ts';
import { type Scan, scanChanges } from './scan-changes.ts';
import { snapshotName } from './snapshot-names.ts';
import { codeOf } from './system-errors.ts';
import { stampTree } from './tree-stamp.ts';
import { openTreeView, type TreeView } from './tree-view.ts';
import type { CommitOptions, RootLook } from './types.ts';
import { runInWorker, type UnpackTools } from './unpack.ts';

/** A root in which something was changed so recently, in milliseconds, is likely to be changed again before it is read. */
const RESTLESS_MS = 1000;

/** What a look at a root meets in which something changes meanwhile. */
const MOVED_CODES: ReadonlySet<string | undefined> = new Set([
  'ENOENT',
  'ENOTDIR',
  'ELOOP',
  'EINVAL',
  'EACCES',
  'ENXIO',
  'EAGAIN',
]);
class Moved extends Error {}
const hasMoved = (error: unknown): boolean =>
  error instanceof Moved ||
  MOVED_CODES.has(codeOf(error)) ||
  isDobosError(error, 'LAYER_FILE_CHANGED') ||
  isDobosError(error, 'LAYER_FILE_READ') ||
  // While names change places one may be listed twice.
  isDobosError(error, 'LAYER_PLAN');

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
  let view: TreeView | undefined;
  /** Where what the container has changed may be looked at. */
  const live = (): string => {
    if (!running || !exists) return changed;
    view ??= openLiveView(changed, `${own}/l`);
    return view.path;
  };
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
  /** What `look` finds where the container goes on, or in a copy if it changes meanwhile. */
  const looked = async <T>(look: (from: string) => T): Promise<T> => {
    try {
      return look(live());
    } catch (error) {
      if (!running || !hasMoved(error)) throw error;
    }
    return look(await settled());
  };
  /** The layer, read where the container goes on; false if that changed something meanwhile. */
  const commitLive = async (o: CommitOptions): Promise<Layer | undefined | false> => {
    const from = live();
    const before = stampTree(from);
    if (before === undefined || Date.now() - before.changedMs < RESTLESS_MS) return false;
    const confirm = (): void => {
      if (stampTree(from)?.text !== before.text) throw new Moved();
    };
    try {
      const { root } = scanned(from, (found) => found);
      if (root.included)
        return await writeLayer(tools.store, plannedChanges(root, from, o.epoch), { ...o, confirm });
      confirm();
      return undefined;
    } catch (error) {
      if (hasMoved(error)) return false;
      throw error;
    }
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
    async changes() {
      if (!exists) return [];
      return looked((from) => scanned(from, (scan, below) => [...listChanges(scan, below)]));
    },
    async commit(o = {}): Promise<Layer | undefined> {
      if (!exists) return undefined;
      if (running) {
        const layer = await commitLive(o);
        if (layer !== false) return layer;
      }
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
    async bytes() {
      if (!exists) return 0;
      if (format !== 'whole') return folderBytes(live());
      return looked((from) => scanned(from, ({ root }) => changedBytes(root)));
    },
    close() {
      view?.close();
      removeTree(own);
      release();
    },
  };
}

function changedBytes(node: Scan['root']): number {
  const own = node.changed && node.facts.kind === 'file' ? node.facts.size : 0;
  return node.children.reduce((sum, child) => sum + changedBytes(child), own);
}
