import type { TreeNode } from './directory-node.ts';
import { parentPath } from './entry-paths.ts';
import { findNode, resolvePath, type TreeParts } from './file-tree.ts';
import type { ColumnarIndex } from './load-layer-index.ts';
import type { LayerEntry } from './types.ts';

/** A whiteout or opaque marker, its path resolved. */
export interface HiddenPath {
  readonly kind: 'whiteout' | 'opaque';
  readonly path: string;
}

/** The whiteouts and opaque markers that hide something of `lower`, in tar order, none inside another. */
export function hiddenPaths(
  lower: TreeParts,
  index: ColumnarIndex,
  onMissing: ((whiteout: LayerEntry) => void) | undefined,
): readonly HiddenPath[] {
  const hidden = new Map<string, 'whiteout' | 'opaque'>();
  // Where this layer puts a directory over a lower symlink, the marker means that new directory and nothing below.
  const shadowed = (path: string): boolean => index.find(path)?.kind === 'directory';
  for (const order of index.whiteouts()) {
    const kind = index.kindAt(order) as 'whiteout' | 'opaque';
    const written = index.pathAt(order);
    const path = resolvePath(lower, written, { keepLast: kind === 'whiteout', shadowed });
    const node = path === undefined ? undefined : findNode(lower.root, path);
    if (path !== undefined && isHideable(kind, node)) {
      if (hidden.get(path) !== 'whiteout') hidden.set(path, kind);
    } else if (kind === 'whiteout') onMissing?.(index.at(order));
  }
  return [...hidden].filter(([path]) => !isInside(path, hidden)).map(([path, kind]) => ({ kind, path }));
}

function isHideable(kind: 'whiteout' | 'opaque', node: TreeNode | undefined): boolean {
  return kind === 'whiteout' ? node !== undefined : typeof node === 'object' && node.size > 0;
}

/** True if a directory above the path is hidden as well. */
function isInside(path: string, hidden: ReadonlyMap<string, unknown>): boolean {
  for (let at = path; at !== ''; ) {
    at = parentPath(at);
    if (hidden.has(at)) return true;
  }
  return false;
}
