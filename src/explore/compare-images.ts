import { emptyTree } from '../layer/apply-layer.ts';
import { compareViews, type ViewComparison } from '../layer/compare-views.ts';
import { diffTrees, metadataDiffers } from '../layer/diff-trees.ts';
import type { FileTree, TreeChange } from '../layer/types.ts';
import type { OpenExploration } from './explore-image.ts';
import type { ImagePackages } from './packages/read-packages.ts';

/** How a path differs between two images. `times`: nothing but the modification time. */
export type DifferenceKind = 'added' | 'removed' | 'content' | 'metadata' | 'type' | 'times';

export interface ComparedImage {
  readonly name: string;
  readonly id: string;
  readonly layers: number;
  /** As in `Exploration`. */
  readonly total: number;
  readonly visible: number;
  readonly hidden: number;
  readonly storedBytes: number;
  readonly compressedBytes?: number | undefined;
}

/** Two images side by side as plain data; bytes are those of regular files that an image shows. */
export interface ImageComparison {
  /** Goes up when a field changes its meaning. */
  readonly version: 1;
  readonly before: ComparedImage;
  readonly after: ComparedImage;
  /** Layers that both begin with. */
  readonly commonLayers: number;
  /** True if no path differs but in its time. */
  readonly same: boolean;
  readonly counts: { readonly [K in DifferenceKind]: { readonly paths: number; readonly delta: number } };
  /** By directory, cut at the depth that was asked for; largest difference first. */
  readonly folders: readonly ComparedFolder[];
  /** Largest difference first; `left` more are not listed. */
  readonly files: readonly ComparedFile[];
  readonly left: number;
  /** Packages that differ, largest difference first; absent if they were not read. */
  readonly packages?: readonly ComparedPackage[] | undefined;
}

export interface ComparedFolder {
  /** Without a slash in front; '' for files in the root. */
  readonly path: string;
  readonly before: number;
  readonly after: number;
  readonly delta: number;
  /** Paths that differ, times alone left out. */
  readonly paths: number;
}

export interface ComparedFile {
  readonly path: string;
  readonly change: Exclude<DifferenceKind, 'times'>;
  readonly before: number;
  readonly after: number;
}

export interface ComparedPackage {
  readonly manager: string;
  readonly name: string;
  /** Versions; absent where the image has it not. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  /** Of bytes stored for it in all layers. */
  readonly delta: number;
}

/** Files listed at most. */
const MAX_FILES = 10_000;

/** Compares what two images show. Layers that both share are not looked into. Cost: one walk of what differs, and one of each image for sizes by directory. */
export function compareImages(
  before: OpenExploration & { readonly name: string },
  after: OpenExploration & { readonly name: string },
  o: { readonly depth?: number | undefined } = {},
): ImageComparison {
  const { depth = 2 } = o;
  const from = topTree(before);
  const to = topTree(after);
  const count = () => ({ paths: 0, delta: 0 });
  const counts = {
    added: count(),
    removed: count(),
    content: count(),
    metadata: count(),
    type: count(),
    times: count(),
  };
  const folders = new Map<string, { before: number; after: number; paths: number }>();
  const files: ComparedFile[] = [];
  let differing = 0;
  let listable = 0;
  for (const change of diffTrees(from, to)) {
    const kind = kindOf(change);
    const sizes = { before: change.before?.size ?? 0, after: change.after?.size ?? 0 };
    const delta = sizes.after - sizes.before;
    counts[kind].paths++;
    counts[kind].delta += delta;
    if (kind === 'times') continue;
    differing++;
    const folder = cutPath(change.path, depth);
    const sum = folders.get(folder) ?? { before: 0, after: 0, paths: 0 };
    sum.paths++;
    folders.set(folder, sum);
    if (isFolder(change)) continue;
    listable++;
    files.push({ path: change.path, change: kind, ...sizes });
    // The largest are kept; the list is cut when it has grown to twice of what is told.
    if (files.length === 2 * MAX_FILES) cutFiles(files);
  }
  sumFolders(from, depth, folders, 'before');
  sumFolders(to, depth, folders, 'after');
  cutFiles(files);
  return {
    version: 1,
    before: summaryOf(before),
    after: summaryOf(after),
    commonLayers: commonLayers(before, after),
    same: differing === 0,
    counts,
    folders: [...folders]
      .map(([path, sum]) => ({ path, ...sum, delta: sum.after - sum.before }))
      .sort(
        (a, b) => Math.abs(b.delta) - Math.abs(a.delta) || b.paths - a.paths || (a.path < b.path ? -1 : 1),
      ),
    files,
    left: listable - files.length,
  };
}

/** Whether two images show the same: every path in type, content, link, device, mode, owner, time and attributes, and which names are one file. */
export const compareFiles = (before: OpenExploration, after: OpenExploration): ViewComparison =>
  compareViews(topTree(before), topTree(after));

/** Packages that differ between two images, largest difference in bytes first. */
export function comparePackages(before: ImagePackages, after: ImagePackages): readonly ComparedPackage[] {
  const sums = (all: ImagePackages) => {
    const found = new Map<string, { manager: string; name: string; versions: Set<string>; bytes: number }>();
    for (const { manager, name, architecture, version, bytes, present } of all.packages) {
      if (!present) continue;
      const key = `${manager} ${name} ${architecture ?? ''}`;
      const sum = found.get(key) ?? { manager, name, versions: new Set(), bytes: 0 };
      sum.versions.add(version);
      sum.bytes += bytes;
      found.set(key, sum);
    }
    return found;
  };
  const old = sums(before);
  const now = sums(after);
  const versions = (sum: { versions: Set<string> } | undefined): string | undefined =>
    sum === undefined ? undefined : [...sum.versions].sort().join(', ');
  const rows: ComparedPackage[] = [];
  for (const key of new Set([...old.keys(), ...now.keys()])) {
    const [a, b] = [old.get(key), now.get(key)];
    const { manager, name } = (b ?? a)!;
    const row = {
      manager,
      name,
      before: versions(a),
      after: versions(b),
      delta: (b?.bytes ?? 0) - (a?.bytes ?? 0),
    };
    if (row.delta !== 0 || row.before !== row.after) rows.push(row);
  }
  return rows.sort((a, b) => Math.abs(b.delta) - Math.abs(a.delta) || (a.name < b.name ? -1 : 1));
}

const topTree = ({ trees }: OpenExploration): FileTree => trees.at(-1) ?? emptyTree();

function kindOf({ kind, before, after, content }: TreeChange): DifferenceKind {
  if (kind !== 'changed') return kind;
  if (before!.kind !== after!.kind) return 'type';
  if (content) return 'content';
  return metadataDiffers({ ...before!, mtime: after!.mtime }, after!) ? 'metadata' : 'times';
}

const isFolder = ({ before, after }: TreeChange): boolean =>
  (before ?? after)!.kind === 'directory' && (after ?? before)!.kind === 'directory';

/** The directory that a path is counted in: its own, or the one so deep. */
function cutPath(path: string, depth: number): string {
  const parts = path.split('/');
  return parts.slice(0, Math.min(depth, parts.length - 1)).join('/');
}

function sumFolders(
  tree: FileTree,
  depth: number,
  folders: ReadonlyMap<string, { before: number; after: number }>,
  side: 'before' | 'after',
): void {
  const seen = new Set<string>();
  for (const [path, { kind, size, layer, order }] of tree.walk()) {
    if (kind !== 'file') continue;
    const sum = folders.get(cutPath(path, depth));
    if (sum === undefined) continue;
    const inode = `${layer}:${order}`;
    if (seen.has(inode)) continue;
    seen.add(inode);
    sum[side] += size;
  }
}

function cutFiles(files: ComparedFile[]): void {
  const weight = ({ before, after }: ComparedFile): number => Math.abs(after - before);
  files.sort((a, b) => weight(b) - weight(a) || (a.path < b.path ? -1 : 1));
  files.length = Math.min(files.length, MAX_FILES);
}

function commonLayers(a: OpenExploration, b: OpenExploration): number {
  const shared = a.indexes.findIndex((index, at) => index.diffId !== b.indexes[at]?.diffId);
  return shared < 0 ? a.indexes.length : shared;
}

function summaryOf({ name, report }: OpenExploration & { readonly name: string }): ComparedImage {
  const { image, layers, total, visible, hidden, storedBytes, compressedBytes } = report;
  return {
    name,
    id: image.id,
    layers: layers.length,
    total,
    visible,
    hidden,
    storedBytes,
    ...(compressedBytes === undefined ? {} : { compressedBytes }),
  };
}
