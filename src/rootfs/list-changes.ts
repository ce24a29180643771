import { readdirSync } from 'node:fs';
import { systemCode } from '../base/errors.ts';
import { decodeName, fsPath } from '../base/names.ts';
import { joinPath } from '../layer/entry-paths.ts';
import { readFacts } from './file-facts.ts';
import type { Scan, ScannedNode } from './scan-changes.ts';
import type { RootChange } from './types.ts';

/**
 * What a scan found, as `docker diff` tells it: parents before what is in them, names sorted, a directory whose content changed is changed itself, the
 * root is not named. A directory that was removed and made again hides what it had: those names are removed, or changed if they are there again.
 */
export function* listChanges({ root }: Scan, below: string | undefined): Generator<RootChange> {
  function* visit(node: ScannedNode, hidden: boolean): Generator<RootChange> {
    if (!node.included) return;
    const { path } = node;
    const before = node.below ?? (hidden ? factsBelow(path) : undefined);
    if (path !== '') yield { kind: before === undefined ? 'added' : 'changed', path };
    if (node.facts.kind !== 'directory') return;
    const inside = hidden || node.opaque;
    const present = new Map(node.children.map((child) => [nameOf(child.path), child]));
    const lost = inside && before?.kind === 'directory' ? namesBelow(path) : [];
    const gone = new Set([...node.gone, ...lost].filter((name) => !present.has(name)));
    for (const name of [...present.keys(), ...gone].sort()) {
      const child = present.get(name);
      if (child === undefined) yield { kind: 'removed', path: joinPath(path, name) };
      else yield* visit(child, inside);
    }
  }
  const factsBelow = (path: string) => (below === undefined ? undefined : readFacts(`${below}/${path}`));
  const namesBelow = (path: string): string[] => {
    try {
      return readdirSync(fsPath(`${below}/${path}`), 'buffer').map(decodeName);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return [];
      throw error;
    }
  };
  yield* visit(root, false);
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
