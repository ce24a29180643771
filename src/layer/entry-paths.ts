/**
 * Names in a layer's tar <-> paths. `.wh.` is decoded here, when an index is made, and encoded here, when a layer is written.
 * @module
 */
import { layerError } from './errors.ts';

const PREFIX = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** AUFS bookkeeping that old Docker stored in layers; docker skips it too (oci.md a.6 A6). */
const AUFS_NAMES: ReadonlySet<string> = new Set(['.wh..wh.plnk', '.wh..wh.aufs', '.wh..wh.orph']);

/** Characters of a path after its symlinks are followed: PATH_MAX of Linux, which also bounds the depth of a tree. */
export const MAX_PATH_LENGTH = 4096;

/** The path that an entry's name means: relative to the root, `.` and `..` gone, clamped at the root (A7). @throws LAYER_NAME */
export function cleanPath(name: string): string {
  if (name.length > MAX_PATH_LENGTH || name.includes('\0')) {
    const problem = name.includes('\0') ? 'holds a NUL' : `is longer than ${MAX_PATH_LENGTH} characters`;
    throw layerError('LAYER_NAME', { name, problem });
  }
  if (isClean(name)) return name;
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** True for a non-empty path without empty, `.` or `..` components. */
function isClean(name: string): boolean {
  let start = 0;
  while (true) {
    const slash = name.indexOf('/', start);
    const end = slash < 0 ? name.length : slash;
    if (end === start) return false;
    if (name.charCodeAt(start) === 46 /* . */) {
      if (end === start + 1 || (end === start + 2 && name.charCodeAt(start + 1) === 46)) return false;
    }
    if (slash < 0) return true;
    start = slash + 1;
  }
}

/** What a cleaned name stands for. `undefined`: AUFS bookkeeping, or below a name that is. */
export type DecodedName =
  | { readonly kind: 'plain' | 'whiteout' | 'opaque'; readonly path: string }
  | undefined;

/** Decodes `.wh.` of a cleaned path's last component (oci.md a.5, a.6 A3, A5, A6). @throws LAYER_WHITEOUT_INVALID */
export function decodeWhiteout(path: string): DecodedName {
  if (!path.includes(PREFIX)) return { kind: 'plain', path };
  const slash = path.lastIndexOf('/');
  const name = path.slice(slash + 1);
  if (
    slash > 0 &&
    path
      .slice(0, slash)
      .split('/')
      .some((part) => AUFS_NAMES.has(part))
  )
    return undefined;
  if (!name.startsWith(PREFIX)) return { kind: 'plain', path };
  const folder = slash < 0 ? '' : path.slice(0, slash);
  if (name === OPAQUE) return { kind: 'opaque', path: folder };
  if (AUFS_NAMES.has(name)) return undefined;
  const hidden = name.slice(PREFIX.length);
  if (hidden === '' || hidden === '.' || hidden === '..') {
    throw layerError('LAYER_WHITEOUT_INVALID', { name: path });
  }
  return { kind: 'whiteout', path: joinPath(folder, hidden) };
}

/** The tar name of a whiteout of `path`, or of an opaque marker in the directory `path`. @throws LAYER_PLAN for the root */
export function encodeWhiteout(kind: 'whiteout' | 'opaque', path: string): string {
  if (kind === 'opaque') return joinPath(path, OPAQUE);
  const name = baseName(path);
  if (name === '' || name.startsWith(PREFIX)) {
    throw layerError('LAYER_PLAN', { path, problem: 'cannot be whited out' });
  }
  return joinPath(parentPath(path), PREFIX + name);
}

/** True if a component of the path starts with `.wh.`: such a file cannot be stored (oci.md a.5 L6). */
export function looksLikeWhiteout(path: string): boolean {
  return path.startsWith(PREFIX) || path.includes(`/${PREFIX}`);
}

/** The directory that holds the path; '' for names in the root. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** The last component. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** `name` in the directory `folder`. */
export function joinPath(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
