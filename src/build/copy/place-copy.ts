/**
 * Where the files of a COPY go (Dockerfile reference, COPY; spec build.md a.8): destinations resolved in the tree of the image
 * below, through its symlinks, and turned into the entries of a layer. Pure: neither disk nor store is touched.
 * @module
 */
import type { Content, FileKind, FileTree } from '../../layer/types.ts';
import type { ChangeMode } from '../chmod.ts';
import { clampPath, type SourceNode } from '../context/file-source.ts';
import type { SelectedFile, SelectedSource } from '../context/select-files.ts';
import { buildError } from '../errors.ts';
import type { Archive } from './open-archive.ts';
import { placeArchive } from './place-archive.ts';
import { createEntryRules, joinPath, type Placed } from './placed.ts';

export interface CopyPlacing<N extends SourceNode> {
  /** The files of the image that is copied into. */
  readonly tree: FileTree;
  readonly sources: readonly PlacedSource<N>[];
  /** Files whose text stands in the Dockerfile: 0644, 0:0. */
  readonly inline: readonly { readonly name: string; readonly text: string }[];
  /** Absolute; a trailing slash says directory. */
  readonly dest: string;
  readonly chmod?: ChangeMode | undefined;
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** Epoch seconds: later times become this one, and what nobody dated gets it. */
  readonly epoch?: number | undefined;
  /** Where a regular file's bytes are. */
  readonly content: (file: SelectedFile<N>) => Content;
}

/** A source; one with an archive is unpacked. */
export type PlacedSource<N extends SourceNode> = SelectedSource<N> & {
  readonly archive?: Archive | undefined;
  /** Where its files' bytes are, if not where those of the others are. */
  readonly content?: ((file: SelectedFile<N>) => Content) | undefined;
};

/**
 * The layer's entries: parents before children, sorted, each path once, existing parents with the attributes they have.
 * @throws BUILD_DEST_NEEDS_SLASH, BUILD_DEST_NOT_FOLDER, BUILD_DEST_IS_FOLDER, BUILD_DEST_IS_ROOT, BUILD_WHITEOUT_NAME, BUILD_CONTEXT_DEVICE, BUILD_ARCHIVE
 */
export function placeCopy<N extends SourceNode>(o: CopyPlacing<N>): Placed[] {
  const top = o.tree.resolve(clampPath(o.dest));
  const there = o.tree.get(top);
  const count = o.sources.length + o.inline.length;
  const slash = o.dest.endsWith('/');
  if (count > 1 && !slash && there?.kind !== 'directory') {
    throw buildError('BUILD_DEST_NEEDS_SLASH', { dest: o.dest, sources: count });
  }
  const asFolder = slash || count > 1 || there?.kind === 'directory';
  const placing = createPlacing(o);
  /** The file's path, its directory made. */
  const fileTarget = (name: string): string => {
    if (asFolder) {
      placing.makeFolder(top, name);
      return joinPath(top, name);
    }
    if (top === '') throw buildError('BUILD_DEST_IS_ROOT', { dest: o.dest });
    return top;
  };
  for (const source of o.sources) {
    placing.next();
    const [self, ...below] = source.files;
    if (self === undefined) continue;
    if (source.archive !== undefined) {
      placing.makeFolder(top, self.from);
      placing.unpack(top, source.archive);
      continue;
    }
    if (self.node.kind !== 'directory') {
      placing.putFile(fileTarget(source.name), self, source.content);
      continue;
    }
    placing.makeFolder(top, `${self.from}/`, self);
    for (const file of below) placing.putFile(joinPath(top, file.name), file, source.content);
  }
  for (const { name, text } of o.inline) placing.putText(fileTarget(name), text);
  return finish(placing.entries());
}

interface Placing<N extends SourceNode> {
  /** Another source: its names are not linked with those of the one before, as in BuildKit and buildah. */
  next(): void;
  /** Makes the destination directory unless it is there. What a source directory is itself does not count, as in BuildKit and buildah: a new one is 0755 and of the `--chown`; only its time is that of `source`. */
  makeFolder(path: string, what: string, source?: SelectedFile<N>): void;
  putFile(path: string, file: SelectedFile<N>, content?: (file: SelectedFile<N>) => Content): void;
  putText(path: string, text: string): void;
  /** Unpacks into a directory that is there or was made. */
  unpack(top: string, archive: Archive): void;
  entries(): Iterable<Placed>;
}

function createPlacing<N extends SourceNode>(o: CopyPlacing<N>): Placing<N> {
  const placed = new Map<string, Placed>();
  let sourceNumber = 0;
  const rules = createEntryRules(o);
  const { time } = rules;
  const kindAt = (path: string): string | undefined =>
    placed.get(path)?.kind ?? (path === '' ? 'directory' : o.tree.get(path)?.kind);

  const addParents = (path: string, what: string): void => {
    // Siblings come one after the other: the parent that is there has all of its own.
    if (placed.get(path.slice(0, Math.max(0, path.lastIndexOf('/'))))?.kind === 'directory') return;
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      addFolder(path.slice(0, slash), what);
    }
  };
  const addFolder = (path: string, what: string): void => {
    const planned = placed.get(path);
    if (planned !== undefined) {
      if (planned.kind !== 'directory') throw notFolder(path, planned.kind, what);
      return;
    }
    if (path === '') return;
    const there = o.tree.get(path);
    if (there !== undefined && there.kind !== 'directory') throw notFolder(path, there.kind, what);
    placed.set(path, there === undefined ? newFolder(path) : rules.keptFolder(path, there));
  };
  const newFolder = (path: string): Placed => {
    refuseWhiteout(path);
    return rules.newFolder(path);
  };
  /** One literal for all kinds: twenty thousand spreads take longer than the rest of the planning. */
  const entryOf = (
    path: string,
    { node }: SelectedFile<N>,
    kind: FileKind,
    more: { content?: Content; linkTo?: string | undefined; device?: SourceNode['device'] } = {},
  ): Placed => ({
    path,
    kind,
    mode: kind === 'symlink' ? 0o777 : rules.mode(node.mode, kind === 'directory'),
    uid: o.owner?.uid ?? node.uid,
    gid: o.owner?.gid ?? node.gid,
    mtime: time(node.mtime),
    xattrs: node.xattrs,
    content: more.content,
    linkTo: more.linkTo,
    device: more.device,
    identity: kind === 'file' && node.identity !== undefined ? `${sourceNumber} ${node.identity}` : undefined,
  });
  const put = (entry: Placed): void => {
    refuseWhiteout(entry.path);
    addParents(entry.path, entry.path);
    if (kindAt(entry.path) === 'directory') {
      throw buildError('BUILD_DEST_IS_FOLDER', { path: `/${entry.path}`, source: entry.path });
    }
    placed.set(entry.path, entry);
  };
  /** A directory inside a copied one: over an existing one it takes the source's mode and keeps the owner. */
  const putFolder = (path: string, file: SelectedFile<N>): void => {
    refuseWhiteout(path);
    addParents(path, path);
    const planned = placed.get(path);
    const there = planned ?? o.tree.get(path);
    if (there !== undefined && there.kind !== 'directory') throw notFolder(path, there.kind, file.from);
    const kept = o.owner === undefined && there !== undefined ? { uid: there.uid, gid: there.gid } : {};
    placed.set(path, { ...entryOf(path, file, 'directory'), ...kept });
  };

  return {
    next() {
      sourceNumber++;
    },
    makeFolder(path, what, source) {
      const isNew = path !== '' && kindAt(path) === undefined;
      addParents(path, what);
      if (isNew && source !== undefined) {
        const mode = rules.mode(0o755, true);
        placed.set(path, { ...newFolder(path), mode, mtime: time(source.node.mtime) });
      } else addFolder(path, what);
    },
    putFile(path, file, content = o.content) {
      const { node } = file;
      switch (node.kind) {
        case 'directory':
          return putFolder(path, file);
        case 'file':
          return put(entryOf(path, file, 'file', { content: content(file) }));
        case 'symlink':
          return put(entryOf(path, file, 'symlink', { linkTo: node.linkTo }));
        case 'fifo':
          return put(entryOf(path, file, 'fifo'));
        case 'socket':
          // As BuildKit: a name that something binds later, and no program's socket.
          return put(entryOf(path, file, 'file', { content: EMPTY }));
        case 'character':
        case 'block':
          if (node.device === undefined) {
            throw buildError('BUILD_CONTEXT_DEVICE', { path: file.from, kind: `${node.kind} device` });
          }
          return put(entryOf(path, file, node.kind, { device: node.device }));
      }
    },
    putText(path, text) {
      const { uid, gid } = rules.owner({ uid: 0, gid: 0 });
      const mode = rules.mode(0o644, false);
      const content: Content = { kind: 'bytes', bytes: Buffer.from(text, 'utf8') };
      put({ path, kind: 'file', mode, uid, gid, mtime: time(undefined), content });
    },
    unpack(top, archive) {
      for (const [path, entry] of placeArchive(o.tree, top, archive, rules)) {
        const before = placed.get(path);
        if (before !== undefined && (before.kind === 'directory') !== (entry.kind === 'directory')) {
          throw notFolder(path, before.kind, archive.name);
        }
        placed.set(path, entry);
      }
    },
    entries: () => placed.values(),
  };
}

const EMPTY: Content = { kind: 'bytes', bytes: Buffer.alloc(0) };

/** Sorted (a parent is the start of its children's paths, so it comes first), later names of one file as hard links to the first. */
function finish(entries: Iterable<Placed>): Placed[] {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  const firstNames = new Map<string, string>();
  return sorted.map((entry) => {
    const { identity } = entry;
    if (identity === undefined) return entry;
    const first = firstNames.get(identity);
    if (first === undefined) {
      firstNames.set(identity, entry.path);
      return entry;
    }
    return { ...entry, content: undefined, kind: 'hardlink', linkTo: first };
  });
}

function refuseWhiteout(path: string): void {
  if (path.startsWith('.wh.') || path.includes('/.wh.')) throw buildError('BUILD_WHITEOUT_NAME', { path });
}

function notFolder(path: string, kind: string, what: string): Error {
  return buildError('BUILD_DEST_NOT_FOLDER', { path: `/${path}`, is: kind, what });
}
