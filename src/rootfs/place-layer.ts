import { never } from '../base/errors.ts';
import { baseName, joinPath, parentPath } from '../layer/entry-paths.ts';
import { placeEntries } from '../layer/place-entries.ts';
import type { FileTree, Inode, LayerEntry, LayerIndex, Operation } from '../layer/types.ts';
import {
  closeFd,
  isErrno,
  mkdirAt,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  openAt,
  openBeneath,
  unlinkAt,
} from '../linux/at.ts';
import { makeWhiteout } from '../linux/nodes.ts';
import { listXattrsFd, removeXattrFd, setXattrFd } from '../linux/xattr.ts';
import type { AttributeSetter, Attributes } from './attributes.ts';
import { copyLowerContent, createNameFinder } from './copy-up.ts';
import { createFolderCache } from './folder-cache.ts';
import { markPrefix, OPAQUE_VALUE } from './overlay-marks.ts';
import { emptyFolder, removeBelow } from './remove-below.ts';
import type { SnapshotFormat } from './snapshot-names.ts';
import { contentName, type StagedContent, type StagedNode, type Staging } from './staging.ts';

export interface PlaceJob {
  readonly format: SnapshotFormat;
  /** The tree that the layers below show, and the layer. */
  readonly lower: FileTree;
  readonly index: LayerIndex;
  /** The directory that takes the layer: empty, or (format `whole`) what the layers below show. */
  readonly rootFd: number;
  /** For overlay formats: the snapshots below, topmost first. */
  readonly lowerFds: readonly number[];
  readonly staging: Staging;
  readonly attributes: AttributeSetter;
}

/**
 * Carries out what the layer does to the tree below it, on disk. The parents in each operation's path are resolved already; here they are opened component
 * by component without following a link, and the last component is always replaced by a rename. Directories get their attributes when all is in place (A12).
 * The bytes of files that were placed.
 */
export function placeOnDisk(job: PlaceJob): number {
  const placing = createPlacing(job);
  try {
    for (const operation of placeEntries(job.lower, job.index)) placing.apply(operation);
    placing.finish();
    return placing.bytes();
  } finally {
    placing.close();
  }
}

function createPlacing(job: PlaceJob) {
  const { lower, rootFd, staging } = job;
  const prefix = markPrefix(job.format);
  const folders = createFolderCache(rootFd);
  /** Attributes that directories get at the end; one that was replaced meanwhile is passed over then. */
  const pending = new Map<string, Attributes>([['', lower.get('')!]]);
  /** Paths of lower layers that this layer takes away; a directory that comes there must hide what was below. */
  const removed = new Set<string>();
  const copied = new Set<string>();
  const namesOf = createNameFinder(lower);
  let bytes = 0;

  const at = (path: string): number => folders.open(parentPath(path));

  const remove = (path: string): void => {
    removeBelow(at(path), baseName(path));
    folders.clear();
  };

  const markOpaque = (path: string): void => {
    const fd = openBeneath(rootFd, path, O_RDONLY | O_DIRECTORY);
    try {
      setXattrFd(fd, `${prefix}opaque`, OPAQUE_VALUE, path);
    } finally {
      closeFd(fd);
    }
  };

  /** Makes the directory unless it is there; a file or whiteout in its place goes. */
  const makeFolder = (path: string): void => {
    const parent = at(path);
    const name = baseName(path);
    try {
      mkdirAt(parent, name, 0o700);
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
      if (isFolder(parent, name)) return;
      unlinkAt(parent, name);
      folders.clear();
      mkdirAt(at(path), name, 0o700);
    }
    if (prefix !== undefined && removed.has(path) && lower.get(path)?.kind === 'directory') markOpaque(path);
  };

  const clear = (path: string): void => {
    if (prefix !== undefined) {
      markOpaque(path);
      return;
    }
    const fd = openBeneath(rootFd, path, O_RDONLY | O_DIRECTORY);
    try {
      emptyFolder(fd);
    } finally {
      closeFd(fd);
      folders.clear();
    }
  };

  const put = (path: string, entry: LayerEntry): void => {
    if (entry.kind === 'directory') {
      if (path !== '') makeFolder(path);
      pending.set(path, entry);
      return;
    }
    const content =
      entry.kind === 'file' && entry.size > 0
        ? { name: contentName(entry.offset), complete: true }
        : undefined;
    staging.place(at(path), baseName(path), entry as StagedNode, path, content);
    bytes += entry.size;
  };

  /** Brings a file of the layers below up into this layer, under all its names, so that the new name can be one of them. */
  const copyUp = (path: string, inode: Inode): void => {
    if (copied.has(path)) return;
    const names = namesOf(path).filter((name) => name === path || isUntouched(name));
    for (const name of names) {
      copied.add(name);
      makeParents(name);
    }
    let content: StagedContent | undefined;
    if (inode.kind === 'file' && inode.size > 0) {
      const made = staging.create();
      content = { name: made.name, complete: false };
      try {
        copyLowerContent(job.lowerFds, path, made.fd);
      } finally {
        closeFd(made.fd);
      }
      bytes += inode.size;
    }
    staging.place(at(path), baseName(path), inode as StagedNode, path, content);
    for (const name of names) {
      if (name !== path) staging.link(at(path), baseName(path), at(name), baseName(name));
    }
  };

  /** True if this layer has neither taken away nor replaced what the layers below have there. */
  const isUntouched = (path: string): boolean => {
    for (let above = path; above !== ''; above = parentPath(above)) if (removed.has(above)) return false;
    const fd = openQuietly(path);
    if (fd !== undefined) closeFd(fd);
    return fd === undefined;
  };

  const openQuietly = (path: string): number | undefined => {
    try {
      return openBeneath(rootFd, path, O_PATH | O_NOFOLLOW);
    } catch {
      return undefined;
    }
  };

  const makeParents = (path: string): void => {
    const above = parentPath(path);
    if (above === '' || pending.has(above)) return;
    makeParents(above);
    makeFolder(above);
    pending.set(above, lower.get(above)!);
  };

  const apply = (operation: Operation): void => {
    const { path } = operation;
    switch (operation.kind) {
      case 'remove':
        removed.add(path);
        if (prefix === undefined) remove(path);
        else if (operation.whiteout) makeWhiteout(at(path), baseName(path));
        return;
      case 'clear':
        for (const [name] of lower.children(path)) removed.add(joinPath(path, name));
        clear(path);
        return;
      case 'imply':
        if (path !== '') makeFolder(path);
        pending.set(path, operation.lower ?? NEW_FOLDER);
        return;
      case 'put':
        if (operation.overOwn === true) remove(path);
        put(path, operation.entry);
        return;
      case 'link':
        if (operation.lower !== undefined && prefix !== undefined) copyUp(operation.target, operation.lower);
        if (operation.overOwn === true) remove(path);
        staging.link(at(operation.target), baseName(operation.target), at(path), baseName(path));
        return;
      default:
        never(operation);
    }
  };

  /** Sets what directories have. In a whole tree the parents of what was removed get their times back too. */
  const finish = (): void => {
    if (prefix === undefined) for (const path of removed) restoreParent(path);
    for (const [path, attributes] of pending) {
      const fd = openFolder(path);
      if (fd === undefined) continue;
      try {
        if (prefix === undefined) dropXattrs(fd, attributes, path);
        job.attributes.setByFd(fd, attributes, path);
      } finally {
        closeFd(fd);
      }
    }
  };

  const restoreParent = (path: string): void => {
    const above = parentPath(path);
    const inode = lower.get(above);
    if (!pending.has(above) && inode?.kind === 'directory') pending.set(above, inode);
  };

  const openFolder = (path: string): number | undefined => {
    try {
      return openBeneath(rootFd, path, O_RDONLY | O_DIRECTORY);
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
      throw error;
    }
  };

  return { apply, finish, bytes: () => bytes, close: () => folders.clear() };
}

/** A directory entry replaces what the layers below gave the same directory (A1); labels belong to the machine. */
function dropXattrs(fd: number, attributes: Attributes, path: string): void {
  for (const name of listXattrsFd(fd, path)) {
    if (name !== 'security.selinux' && attributes.xattrs?.has(name) !== true) removeXattrFd(fd, name, path);
  }
}

/** What a directory gets that no layer describes (oci.md a.5 L10). */
const NEW_FOLDER: Attributes = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 } };

function isFolder(dirfd: number, name: string): boolean {
  try {
    closeFd(openAt(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW));
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOTDIR', 'ELOOP')) return false;
    throw error;
  }
}
