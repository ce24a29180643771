import type { LayerEntry, LayerIndex } from '../layer/types.ts';
import { diveNumbers } from './dive-compat.ts';
import { childrenFirst, type DiveNode, layerTree } from './dive-tree.ts';
import type { Exploration } from './types.ts';

/** A file of a layer in dive's JSON; for a folder without an entry in the tar all is empty, the path too. */
export interface DiveFile {
  readonly path: string;
  /** The byte of the tar's type flag: 48 for a file. */
  readonly typeFlag: number;
  readonly linkName: string;
  readonly size: number;
  /** Bits of Go's `os.FileMode`. */
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
  readonly isDir: boolean;
}

export interface DiveJson {
  readonly layer: readonly {
    readonly index: number;
    readonly id: string;
    readonly digestId: string;
    readonly sizeBytes: number;
    readonly command: string;
    readonly fileList: readonly DiveFile[];
  }[];
  readonly image: {
    readonly sizeBytes: number;
    readonly inefficientBytes: number;
    readonly efficiencyScore: number;
    readonly fileReference: readonly {
      readonly count: number;
      readonly sizeBytes: number;
      readonly file: string;
    }[];
  };
}

/** What `dive --json` writes. dive calls a layer by the first folder of its name in the archive: `ids` has that, base first; it is `blobs` for archives of today. */
export function diveJson(
  report: Exploration,
  indexes: readonly LayerIndex[],
  ids: readonly string[] = [],
): DiveJson {
  const numbers = diveNumbers(indexes);
  return {
    layer: report.layers.map(({ number, diffId, fileBytes, createdBy = '' }) => ({
      index: number,
      id: ids[number] ?? 'blobs',
      digestId: diffId,
      sizeBytes: fileBytes,
      command: createdBy.replace(/^\/bin\/sh -c /, ''),
      fileList: [...childrenFirst(layerTree(indexes[number]!))].map(([path, node]) => fileOf(path, node)),
    })),
    image: {
      sizeBytes: report.total,
      inefficientBytes: numbers.wastedBytes,
      efficiencyScore: numbers.efficiency,
      fileReference: numbers.inefficient.map(({ path, count, sizeBytes }) => ({
        count,
        sizeBytes,
        file: path,
      })),
    },
  };
}

function fileOf(path: string, { entry, size }: DiveNode): DiveFile {
  if (entry === undefined)
    return { path: '', typeFlag: 0, linkName: '', size: 0, fileMode: 0, uid: 0, gid: 0, isDir: false };
  return {
    path,
    typeFlag: (TYPES[entry.kind] ?? '0').charCodeAt(0),
    linkName: entry.linkTo ?? '',
    size,
    fileMode: goMode(entry),
    uid: entry.uid,
    gid: entry.gid,
    isDir: entry.kind === 'directory',
  };
}

const TYPES: Readonly<Partial<Record<LayerEntry['kind'], string>>> = {
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

const MODE_BITS: Readonly<Partial<Record<LayerEntry['kind'], number>>> = {
  directory: 2 ** 31,
  symlink: 2 ** 27,
  character: 2 ** 26 + 2 ** 21,
  block: 2 ** 26,
  fifo: 2 ** 25,
};

function goMode({ kind, mode }: LayerEntry): number {
  const special =
    ((mode & 0o4000) === 0 ? 0 : 2 ** 23) +
    ((mode & 0o2000) === 0 ? 0 : 2 ** 22) +
    ((mode & 0o1000) === 0 ? 0 : 2 ** 20);
  return (MODE_BITS[kind] ?? 0) + special + (mode & 0o777);
}
