import type { DirectoryNode, TreeNode } from '../layer/directory-node.ts';
import { slotOf, type TreeParts } from '../layer/file-tree.ts';
import type { StackStudy } from './study-layers.ts';

/** What is below a directory. */
export interface FolderBytes {
  /** Of regular files; a hard link counts once. */
  readonly bytes: number;
  /** Names of anything but directories. */
  readonly files: number;
}

interface Kept extends FolderBytes {
  /** Files with several names, whose bytes are in `bytes`: a folder above counts them once. */
  readonly linked: ReadonlySet<number> | undefined;
}

/** Bytes and files below directories of a stack's trees. Each directory is counted once in its life, and trees share those that a layer left alone. */
export function createFolderBytes(study: StackStudy) {
  const kept = new WeakMap<DirectoryNode, Kept>();
  const ownBytes = (parts: TreeParts, id: number): number => {
    const { index, base } = slotOf(parts.slots, id);
    return index.kindAt(id - base) === 'file' ? index.sizeAt(id - base) : 0;
  };

  const countFolder = (parts: TreeParts, node: DirectoryNode): Kept => {
    let bytes = 0;
    let files = 0;
    let linked: Set<number> | undefined;
    const add = (id: number): void => {
      linked ??= new Set();
      if (linked.has(id)) return;
      linked.add(id);
      bytes += ownBytes(parts, id);
    };
    node.eachNode((child) => {
      if (typeof child === 'number') {
        files++;
        if (study.linked[child] === 1) add(child);
        else bytes += ownBytes(parts, child);
        return;
      }
      const below = kept.get(child)!;
      files += below.files;
      let shared = 0;
      for (const id of below.linked ?? []) {
        shared += ownBytes(parts, id);
        add(id);
      }
      bytes += below.bytes - shared;
    });
    return { bytes, files, linked };
  };

  return (parts: TreeParts, node: TreeNode): FolderBytes => {
    if (typeof node === 'number') return { bytes: ownBytes(parts, node), files: 1 };
    // Children first, without a call stack: how deep it goes is the image's choice.
    const stack: DirectoryNode[] = [node];
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      if (kept.has(top)) {
        stack.pop();
        continue;
      }
      const before = stack.length;
      top.eachNode((child) => {
        if (typeof child === 'object' && !kept.has(child)) stack.push(child);
      });
      if (stack.length > before) continue;
      kept.set(top, countFolder(parts, top));
      stack.pop();
    }
    return kept.get(node)!;
  };
}
