import type { FileKind } from '../layer/types.ts';
import {
  closeFd,
  isErrno,
  linkAt,
  mknodAt,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  openAt,
  renameAt,
  symlinkAt,
  unlinkAt,
} from '../linux/at.ts';
import { deviceNumber, S_IFBLK, S_IFCHR, S_IFIFO } from '../linux/nodes.ts';
import type { AttributeSetter, Attributes } from './attributes.ts';
import { type RootfsEvent, rootfsError } from './errors.ts';
import { removeBelow } from './remove-below.ts';

/** A node other than a directory, with all that it has. */
export interface StagedNode extends Attributes {
  readonly kind: Exclude<FileKind, 'directory' | 'hardlink'>;
  readonly size: number;
  readonly linkTo?: string | undefined;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
}

/**
 * Files are made and given their attributes in a folder of our own and then renamed into the tree: a rename replaces whatever name
 * stands there and follows no link, so nothing that happens in the tree meanwhile can lead a chmod or a write astray.
 */
export interface Staging {
  /** Puts the node at `name` of the directory; `content` is the staged file with its bytes (a file of size 0 needs none). */
  place(dirfd: number, name: string, node: StagedNode, path: string, content?: StagedContent): void;
  /** Puts a second name of a file into the directory. */
  link(fromFd: number, from: string, dirfd: number, name: string): void;
  /** A new empty staged file, open for writing; its name. */
  create(): { readonly fd: number; readonly name: string };
}

export interface StagedContent {
  readonly name: string;
  /** It has its attributes already. */
  readonly complete: boolean;
}

/** The staged name of the content that starts at this offset of the tar. */
export function contentName(offset: number): string {
  return `c${offset.toString(36)}`;
}

export function createStaging(
  stagingFd: number,
  attributes: AttributeSetter,
  o: {
    /** A character device 0:0 would be taken for a whiteout. */
    readonly overlay: boolean;
    readonly warn: (event: RootfsEvent) => void;
  },
): Staging {
  let made = 0;
  const fresh = (): string => `n${(made++).toString(36)}`;

  const create = (): { fd: number; name: string } => {
    const name = fresh();
    const fd = openAt(stagingFd, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600);
    return { fd, name };
  };

  const stageFile = (node: StagedNode, path: string, content: StagedContent | undefined): string => {
    if (content?.complete === true) return content.name;
    const name = content?.name ?? fresh();
    const fd =
      content === undefined
        ? attributes.create(stagingFd, name, node)
        : openAt(stagingFd, name, O_RDONLY | O_NOFOLLOW);
    try {
      if (content === undefined) attributes.complete(fd, node, path);
      else attributes.setByFd(fd, node, path);
    } finally {
      closeFd(fd);
    }
    return name;
  };

  const stageDevice = (node: StagedNode, path: string): string => {
    const { major, minor } = node.device ?? { major: 0, minor: 0 };
    if (o.overlay && node.kind === 'character' && major === 0 && minor === 0) {
      throw rootfsError('ROOTFS_NODE', { path, major, minor });
    }
    const name = fresh();
    try {
      mknodAt(stagingFd, name, node.kind === 'block' ? S_IFBLK : S_IFCHR, deviceNumber(major, minor));
    } catch (error) {
      if (!isErrno(error, 'EPERM')) throw error;
      const message = `device ${major}:${minor} may not be made here: an empty file stands in its place`;
      o.warn({ kind: 'warning', path, message });
      return stageFile(node, path, undefined);
    }
    attributes.setByName(stagingFd, name, node, path, false);
    return name;
  };

  const stage = (node: StagedNode, path: string, content: StagedContent | undefined): string => {
    if (node.kind === 'file') return stageFile(node, path, content);
    if (node.kind === 'character' || node.kind === 'block') return stageDevice(node, path);
    const name = fresh();
    if (node.kind === 'symlink') symlinkAt(node.linkTo ?? '', stagingFd, name);
    else mknodAt(stagingFd, name, S_IFIFO, 0);
    attributes.setByName(stagingFd, name, node, path, node.kind === 'symlink');
    return name;
  };

  const moveIn = (staged: string, dirfd: number, name: string): void => {
    try {
      renameAt(stagingFd, staged, dirfd, name);
    } catch (error) {
      if (!isErrno(error, 'EISDIR', 'ENOTEMPTY', 'EEXIST')) throw error;
      removeBelow(dirfd, name);
      renameAt(stagingFd, staged, dirfd, name);
    }
  };

  return {
    create,
    place(dirfd, name, node, path, content) {
      moveIn(stage(node, path, content), dirfd, name);
    },
    link(fromFd, from, dirfd, name) {
      const staged = fresh();
      linkAt(fromFd, from, stagingFd, staged);
      moveIn(staged, dirfd, name);
      // Renaming over another name of the same file does nothing and leaves the staged name behind.
      try {
        unlinkAt(stagingFd, staged);
      } catch (error) {
        if (!isErrno(error, 'ENOENT')) throw error;
      }
    },
  };
}
