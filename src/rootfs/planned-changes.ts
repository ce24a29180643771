import { joinPath } from '../layer/entry-paths.ts';
import type { PlannedEntry } from '../layer/types.ts';
import { readLink } from './file-facts.ts';
import type { ScannedNode } from './scan-changes.ts';

/** The time of a directory or file in a layer: whole seconds, not later than `epoch`. A directory whose time shows only that a mount point was made keeps the old one. */
export function plannedTime(node: ScannedNode, epoch: number | undefined): number {
  const seconds = node.onlyMountPoints && node.below !== undefined ? node.below.seconds : node.facts.seconds;
  return epoch === undefined ? seconds : Math.min(seconds, epoch);
}

/**
 * The entries of the layer: each directory before what is in it, then what it hides, then its children by name; whiteouts stand before siblings (oci.md a.5 L5). The root itself only
 * if its attributes changed. Whiteouts carry no time and no owner (L11).
 */
export function* plannedChanges(
  root: ScannedNode,
  changed: string,
  epoch: number | undefined,
): Generator<PlannedEntry> {
  const firstNames = new Map<string, string>();

  function* visit(node: ScannedNode): Generator<PlannedEntry> {
    if (!node.included) return;
    const { path, facts } = node;
    if (path !== '' || node.changed) yield entryOf(node);
    if (facts.kind !== 'directory') return;
    if (node.opaque) yield hiding('opaque', path);
    for (const name of node.gone) yield hiding('whiteout', joinPath(path, name));
    for (const child of node.children) yield* visit(child);
  }

  const entryOf = (node: ScannedNode): PlannedEntry => {
    const { path, facts } = node;
    const common = {
      path,
      mode: facts.mode,
      uid: facts.uid,
      gid: facts.gid,
      mtime: plannedTime(node, epoch),
      xattrs: node.xattrs,
    };
    const file = `${changed}/${path}`;
    if (facts.kind === 'symlink') return { ...common, kind: 'symlink', linkTo: readLink(file) };
    if (facts.kind === 'character' || facts.kind === 'block') {
      return { ...common, kind: facts.kind, device: facts.device };
    }
    if (facts.kind !== 'file') return { ...common, kind: facts.kind === 'fifo' ? 'fifo' : 'directory' };
    const first = facts.inode === undefined ? undefined : firstNames.get(facts.inode);
    if (first !== undefined) {
      const { xattrs: _, ...rest } = common;
      return { ...rest, kind: 'hardlink', linkTo: first };
    }
    if (facts.inode !== undefined) firstNames.set(facts.inode, path);
    return { ...common, kind: 'file', content: { kind: 'disk', path: file, size: facts.size } };
  };

  yield* visit(root);
}

function hiding(kind: 'whiteout' | 'opaque', path: string): PlannedEntry {
  return { path, kind, mode: 0, uid: 0, gid: 0, mtime: 0 };
}
