import { emptyTree } from '../../layer/apply-layer.ts';
import { MAX_FINDINGS, result, type Subject, say } from './subject.ts';
import type { Growth, RuleFinding, RuleResult } from './types.ts';

/** The image that growth is measured from. */
export interface GrowthSubject extends Subject {
  /** As the person named it. */
  readonly name: string;
}

/** How much larger the image is than the other one; without one the rule is skipped. */
export function growthResult(
  subject: Subject,
  against: GrowthSubject | undefined,
  { unit, value }: Growth,
): RuleResult {
  if (against === undefined) {
    const message = 'no image is named that it could be compared with';
    return { rule: 'max-growth', status: 'skipped', unit, limit: value, message, findings: [], more: 0 };
  }
  const { total } = subject.report;
  const before = against.report.total;
  const bytes = total - before;
  const actual =
    unit === 'bytes' ? bytes : before === 0 ? (bytes > 0 ? Number.MAX_VALUE : 0) : bytes / before;
  const failed = actual > value;
  const grown = failed ? grownFiles(subject, against) : [];
  const change = bytes < 0 ? `${say('bytes', -bytes)} smaller` : `${say('bytes', bytes)} larger`;
  const percent = before === 0 ? '' : ` (${bytes < 0 ? '-' : '+'}${say('share', Math.abs(bytes) / before)})`;
  return result('max-growth', unit, failed, {
    actual,
    limit: value,
    message: `${change}${percent} than ${against.name}, at most ${say(unit, value)} may be`,
    findings: grown.slice(0, MAX_FINDINGS),
    more: Math.max(0, grown.length - MAX_FINDINGS),
  });
}

/** Files that are new or larger, by what they add; hard links once. */
function grownFiles(subject: Subject, against: GrowthSubject): readonly RuleFinding[] {
  const found: { readonly finding: RuleFinding; readonly bytes: number }[] = [];
  const seen = new Set<string>();
  const before = against.trees.at(-1) ?? emptyTree();
  // Sizes tell: a comparison of the trees would read contents.
  for (const [path, after] of (subject.trees.at(-1) ?? emptyTree()).walk()) {
    if (after.kind !== 'file') continue;
    const old = before.get(path);
    const inode = `${after.layer}:${after.order}`;
    const was = old?.kind === 'file' ? old.size : 0;
    const bytes = after.size - was;
    if (bytes <= 0 || seen.has(inode)) continue;
    seen.add(inode);
    const how = old === undefined ? 'is new' : `was ${say('bytes', was)}`;
    const message = `/${path}: ${say('bytes', after.size)} in layer ${after.layer}, ${how}`;
    found.push({ bytes, finding: { message, layer: after.layer, path, bytes } });
  }
  return found.sort((a, b) => b.bytes - a.bytes).map(({ finding }) => finding);
}
