import { emptyTree } from '../../layer/apply-layer.ts';
import type { Inode, LayerEntry } from '../../layer/types.ts';
import { placesIn } from '../places-in.ts';
import { pathMatcher } from './path-patterns.ts';
import { MAX_FINDINGS, result, type Subject, say } from './subject.ts';
import type { RuleFinding, RuleResult } from './types.ts';

/** Paths of any layer that match a pattern. A file that a later layer deletes is still shipped: whoever pulls the image can read it. A folder that matches is told of once a layer, with all below it. */
export function forbidResult(subject: Subject, patterns: readonly string[]): RuleResult {
  const match = pathMatcher(patterns);
  const view = subject.trees.at(-1) ?? emptyTree();
  const shownPlaceOf = placesIn(view);
  const found = new Map<
    string,
    { pattern: string; path: string; layer: number; bytes: number; entries: number; visible: boolean }
  >();
  for (const [layer, index] of subject.indexes.entries()) {
    const placeOf = placesIn(subject.trees[layer]!);
    for (const entry of index.entries()) {
      if (entry.kind === 'whiteout' || entry.kind === 'opaque') continue;
      // Where it lands counts, and how it is written: /usr/lib/x is forbidden under the name lib/x too.
      const matched = match(placeOf(entry.path)) ?? match(entry.path);
      if (matched === undefined) continue;
      const key = `${layer} ${matched.path}`;
      const known = found.get(key) ?? { ...matched, layer, bytes: 0, entries: 0, visible: false };
      found.set(key, known);
      known.bytes += entry.size;
      known.entries++;
      if (!known.visible) known.visible = isVisible(view.get(shownPlaceOf(entry.path)), layer, entry);
    }
  }
  const all = [...found.values()];
  const findings = all
    .slice(0, MAX_FINDINGS)
    .map(({ pattern, path, layer, bytes, entries, visible }): RuleFinding => {
      const what = entries > 1 ? `${entries} entries, ${say('bytes', bytes)}` : say('bytes', bytes);
      const where = visible ? `in layer ${layer}` : `in layer ${layer}, hidden but shipped`;
      return { message: `/${path}: ${what} ${where}; "${pattern}" forbids it`, layer, path, bytes };
    });
  return result('forbid', 'paths', all.length > 0, {
    actual: all.length,
    limit: 0,
    message: `${say('paths', all.length)} ${all.length === 1 ? 'matches' : 'match'} what is forbidden (${list(patterns)})`,
    findings,
    more: all.length - findings.length,
  });
}

/** A hard link shows the file that it was linked to. */
const isVisible = (inode: Inode | undefined, layer: number, { kind, order }: LayerEntry): boolean =>
  inode !== undefined && (kind === 'hardlink' || (inode.layer === layer && inode.order === order));

/** The first few. */
const list = (patterns: readonly string[]): string =>
  patterns.length > 3
    ? `${patterns.slice(0, 3).join(', ')} and ${patterns.length - 3} more`
    : patterns.join(', ');
