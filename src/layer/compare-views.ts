import { diffTrees } from './diff-trees.ts';
import type { FileTree, Inode } from './types.ts';

/** Two views side by side. */
export interface ViewComparison {
  /** Paths that the first one shows, the root not counted. */
  readonly paths: number;
  /** Of them regular files, and their bytes; each name of a file counts. */
  readonly files: number;
  readonly bytes: number;
  /** The first path that differs: in type, content, link target, device, mode, owner, time, attributes, or in the other names of the file; undefined when all are the same. */
  readonly difference: string | undefined;
}

/** Compares every path of two trees. Cost: two walks. */
export function compareViews(a: FileTree, b: FileTree): ViewComparison {
  const sum = { paths: 0, files: 0, bytes: 0 };
  for (const [, { kind, size }] of a.walk()) {
    sum.paths++;
    if (kind !== 'file') continue;
    sum.files++;
    sum.bytes += size;
  }
  for (const { path } of diffTrees(a, b)) return { ...sum, difference: path };
  return { ...sum, difference: otherNames(a, b) };
}

/** The first path whose file has an earlier name in one of the trees only; both have the same paths. */
function otherNames(a: FileTree, b: FileTree): string | undefined {
  const firstOfA = createFirstNames();
  const firstOfB = createFirstNames();
  const other = b.walk()[Symbol.iterator]();
  for (const [path, inode] of a.walk()) {
    const [, twin] = other.next().value as readonly [string, Inode];
    if (firstOfA(path, inode) !== firstOfB(path, twin)) return path;
  }
  return undefined;
}

function createFirstNames(): (path: string, inode: Inode) => string {
  const layers: Map<number, string>[] = [];
  return (path, { kind, layer, order }) => {
    if (kind === 'directory') return path;
    const names = layers[layer] ?? new Map<number, string>();
    layers[layer] = names;
    const first = names.get(order) ?? path;
    names.set(order, first);
    return first;
  };
}
