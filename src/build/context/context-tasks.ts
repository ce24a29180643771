import type { DiskNode } from './disk-source.ts';
import type { FileToHash, HashedFile } from './hash-files.ts';
import type { Scan, ScanTask } from './scan-context.ts';
import type { SelectedFile } from './select-files.ts';

export type ContextTask =
  | { readonly kind: 'scan'; readonly scan: ScanTask; readonly indexPath: string | undefined }
  | { readonly kind: 'hash'; readonly folder: string; readonly files: readonly FileToHash[] };

export type ContextAnswer =
  | { readonly kind: 'scan'; readonly packed: PackedScan }
  | { readonly kind: 'hash'; readonly hashed: readonly HashedFile[] };

/** A scan as columns: cloning an object per file between threads costs ten times as much. */
export interface PackedScan {
  readonly missing: Scan['missing'];
  readonly ignored: number;
  readonly sources: readonly { readonly name: string; readonly count: number }[];
  /** Per file name, from, kind, link target, identity, digest: none of them holds a NUL. */
  readonly texts: string;
  /** Per file mode, mtime, provisional, dev, ino, size, mtimeNs, ctimeNs. */
  readonly numbers: Float64Array;
}

const TEXTS = 6;
const NUMBERS = 8;

/** The scan as one text and one array of numbers: twenty thousand objects would take longer to cross than to make. */
export function packScan(scan: Scan): PackedScan {
  const files = scan.sources.flatMap((source) => source.files);
  const texts: string[] = [];
  const numbers = new Float64Array(files.length * NUMBERS);
  files.forEach(({ name, from, node }, i) => {
    texts.push(name, from, node.kind, node.linkTo ?? '', node.identity ?? '', node.digest ?? '');
    const { mode, mtime, provisional, dev, ino, size, mtimeNs, ctimeNs } = node;
    const flag = provisional === true ? 1 : 0;
    numbers.set([mode, mtime ?? Number.NaN, flag, dev, ino, size, mtimeNs, ctimeNs], i * NUMBERS);
  });
  return {
    missing: scan.missing,
    ignored: scan.ignored,
    sources: scan.sources.map((source) => ({ name: source.name, count: source.files.length })),
    texts: texts.join('\0'),
    numbers,
  };
}

/** The scan that `packScan` packed. */
export function unpackScan(packed: PackedScan): Scan {
  const texts = packed.texts.split('\0');
  let next = 0;
  const file = (): SelectedFile<DiskNode> => {
    const i = next++;
    const [name, from, kind, linkTo, identity, digest] = texts.slice(i * TEXTS, (i + 1) * TEXTS);
    const { numbers } = packed;
    const n = i * NUMBERS;
    const node: DiskNode = {
      kind: kind as DiskNode['kind'],
      mode: numbers[n]!,
      uid: 0,
      gid: 0,
      mtime: Number.isNaN(numbers[n + 1]) ? undefined : numbers[n + 1],
      dev: numbers[n + 3]!,
      ino: numbers[n + 4]!,
      size: numbers[n + 5]!,
      mtimeNs: numbers[n + 6]!,
      ctimeNs: numbers[n + 7]!,
      linkTo: kind === 'symlink' ? linkTo : undefined,
      identity: identity === '' ? undefined : identity,
      digest: digest === '' ? undefined : digest,
      provisional: numbers[n + 2] === 1 || undefined,
    };
    return { name: name!, from: from!, node };
  };
  return {
    missing: packed.missing,
    ignored: packed.ignored,
    sources: packed.sources.map(({ name, count }) => ({ name, files: Array.from({ length: count }, file) })),
  };
}
