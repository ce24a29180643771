import type { FileTree, Inode } from '../../layer/types.ts';
import type { FileSource, SourceNode } from '../context/file-source.ts';

/** A file of an image: which layer (0 = base) and which entry of it. */
export interface TreeNode extends SourceNode {
  readonly inode: Inode;
}

export interface TreeSource extends FileSource {
  get(path: string): TreeNode | undefined;
  children(path: string): Iterable<readonly [name: string, node: TreeNode]>;
}

/** The files of an image as COPY --from sees them: owners, times and extended attributes as they are. */
export function createTreeSource(tree: FileTree): TreeSource {
  return {
    get: (path) => {
      const inode = tree.get(path);
      return inode === undefined ? undefined : nodeOf(inode);
    },
    *children(path) {
      for (const [name, inode] of tree.children(path)) yield [name, nodeOf(inode)];
    },
  };
}

function nodeOf(inode: Inode): TreeNode {
  const { kind, mode, uid, gid, mtime, size, linkTo, xattrs, device, contentDigest } = inode;
  if (kind === 'hardlink') throw new TypeError('an inode of a tree is never a hard link');
  return {
    kind,
    mode,
    uid,
    gid,
    mtime: inode.order < 0 ? undefined : mtime.seconds,
    size,
    linkTo: kind === 'symlink' ? linkTo : undefined,
    xattrs,
    device,
    // Names that share an entry share the file.
    identity: kind === 'directory' ? undefined : `${inode.layer}:${inode.order}`,
    digest: contentDigest?.slice('sha256:'.length),
    inode,
  };
}
