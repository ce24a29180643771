import { encodeHeader, endOfArchive, padding } from '../../src/tar/encoder.ts';
import type { TarHeader } from '../../src/tar/header.ts';

/** A logical entry of a golden vector (test/fixtures/layer-vectors.json); `tarPath` is its name in the tar. */
export interface VectorEntry {
  readonly path: string;
  readonly type: 'file' | 'dir' | 'symlink' | 'hardlink' | 'whiteout' | 'opaque' | 'char' | 'block' | 'fifo';
  readonly tarPath: string;
  readonly content?: string;
  readonly target?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly device?: { readonly major: number; readonly minor: number };
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** Time of entries that name none. */
export const VECTOR_MTIME = 1_700_000_000;

/** The uncompressed tar of one layer of a vector, entries in the order given. */
export function vectorTar(entries: readonly VectorEntry[]): Buffer {
  const parts: Buffer[] = [];
  for (const entry of entries) {
    const content = entry.type === 'file' ? Buffer.from(entry.content ?? '') : Buffer.alloc(0);
    parts.push(encodeHeader(headerOf(entry, content.length)), content, Buffer.alloc(padding(content.length)));
  }
  return Buffer.concat([...parts, endOfArchive()]);
}

function headerOf(entry: VectorEntry, size: number): TarHeader {
  const kinds = { dir: 'directory', char: 'character', whiteout: 'file', opaque: 'file' } as const;
  const kind = entry.type in kinds ? kinds[entry.type as keyof typeof kinds] : entry.type;
  return {
    name: entry.tarPath,
    kind: kind as TarHeader['kind'],
    mode: entry.mode ?? (entry.type === 'dir' ? 0o755 : 0o644),
    uid: entry.uid ?? 0,
    gid: entry.gid ?? 0,
    size,
    mtime: { seconds: entry.mtime ?? VECTOR_MTIME, nanos: 0 },
    linkName: entry.target ?? '',
    uname: '',
    gname: '',
    ...(entry.device === undefined ? {} : { device: entry.device }),
    ...(entry.xattrs === undefined
      ? {}
      : { xattrs: new Map(Object.entries(entry.xattrs).map(([name, value]) => [name, Buffer.from(value)])) }),
  };
}
