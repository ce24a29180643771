/**
 * Where COPY takes files from, seen as one shape: a folder on disk behind a .dockerignore, or the file tree of an image.
 * Paths are relative to the place's root, cleaned; '' is the root. All calls are synchronous.
 * @module
 */
import type { FileKind, Xattrs } from '../../layer/types.ts';

/** A file of a source. Hard links are several paths whose nodes have one `identity`. */
export interface SourceNode {
  readonly kind: Exclude<FileKind, 'hardlink'> | 'socket';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since the epoch; undefined: as a directory that nobody wrote. */
  readonly mtime: number | undefined;
  readonly size: number;
  readonly linkTo?: string | undefined;
  readonly xattrs?: Xattrs | undefined;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  /** The same for all names of one file; undefined when it has one name. */
  readonly identity?: string | undefined;
  /** sha256 of the content, when it is known without reading; of a directory, what stands for all that is in it. */
  readonly digest?: string | undefined;
  /** An excluded directory below which something may be included again: it is there only if something is. */
  readonly provisional?: boolean | undefined;
}

export interface FileSource {
  /** The node at exactly this path, no symlink followed; undefined if missing or excluded. */
  get(path: string): SourceNode | undefined;
  /** Names and nodes directly below a directory, sorted by name; empty for anything else. */
  children(path: string): Iterable<readonly [name: string, node: SourceNode]>;
}

/** Symlinks that one path may pass through, as in Linux. */
const MAX_LINKS = 40;

/** `path` with every symlink followed inside the source, clamped at its root; undefined if it leads nowhere. */
export function followLinks(source: FileSource, path: string): string | undefined {
  const waiting = path.split('/').reverse();
  const done: string[] = [];
  let links = 0;
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      done.pop();
      continue;
    }
    done.push(name);
    const node = source.get(done.join('/'));
    if (node === undefined) return undefined;
    if (node.kind === 'symlink') {
      if (++links > MAX_LINKS) return undefined;
      const target = node.linkTo ?? '';
      done.pop();
      if (target.startsWith('/')) done.length = 0;
      waiting.push(...target.split('/').reverse());
    } else if (node.kind !== 'directory' && waiting.some((rest) => rest !== '' && rest !== '.')) {
      return undefined;
    }
  }
  return done.join('/');
}

/** The path relative to the root, `.`, `..` and doubled slashes resolved by text, clamped at the root. */
export function clampPath(path: string): string {
  const done: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') done.pop();
    else if (name !== '' && name !== '.') done.push(name);
  }
  return done.join('/');
}
