import type { Exploration, HiddenFile } from '../types.ts';
import { pathMatcher } from './path-patterns.ts';
import { MAX_FINDINGS, result, say } from './subject.ts';
import type { RuleFinding, RuleOptions, RuleResult } from './types.ts';

/** The three rules about bytes that are shipped and not visible. */
export function hiddenResults(report: Exploration, o: RuleOptions): readonly RuleResult[] {
  const { limits } = o;
  const least = limits['min-efficiency'];
  const most = limits['max-hidden'];
  const share = limits['max-hidden-share'];
  if (least === undefined && most === undefined && share === undefined) return [];
  const ignored = pathMatcher(o.ignore);
  const counted = report.hiddenFiles.filter(({ path }) => ignored(path) === undefined);
  const all = measure(report, counted, o.ownLayers ? firstOwnLayer(report) : 0);
  const results: RuleResult[] = [];
  if (least !== undefined) {
    const efficiency = all.total === 0 ? 1 : (all.total - all.hidden) / all.total;
    results.push(
      hiddenResult('min-efficiency', efficiency < least, all.files, {
        actual: efficiency,
        limit: least,
        message: `${say('share', efficiency)} of what is shipped is visible, at least ${say('share', least)} must be`,
      }),
    );
  }
  if (most !== undefined)
    results.push(
      hiddenResult('max-hidden', all.hidden > most, all.files, {
        actual: all.hidden,
        limit: most,
        message: `${say('bytes', all.hidden)} are shipped but not visible, at most ${say('bytes', most)} may be`,
      }),
    );
  if (share !== undefined) {
    const own = measure(report, counted, firstOwnLayer(report));
    const actual = own.total === 0 ? 0 : own.hidden / own.total;
    results.push(
      hiddenResult('max-hidden-share', actual > share, own.files, {
        actual,
        limit: share,
        message: `${say('share', actual)} of the bytes of ${ownLayers(report)} are hidden, at most ${say('share', share)} may be`,
      }),
    );
  }
  return results;
}

/** The first layer that is not of the base; 0 where no base is known. */
export const firstOwnLayer = ({ levels }: Exploration): number => levels.at(-1)?.first ?? 0;

function ownLayers(report: Exploration): string {
  const first = firstOwnLayer(report);
  if (first === 0) return 'all layers';
  return first === report.layers.length ? 'no layer' : `the layers from ${first} up`;
}

function measure(
  { layers }: Exploration,
  hiddenFiles: readonly HiddenFile[],
  first: number,
): { readonly total: number; readonly hidden: number; readonly files: readonly HiddenFile[] } {
  const files = hiddenFiles.filter(({ layer }) => layer >= first);
  return {
    files,
    hidden: files.reduce((sum, { bytes }) => sum + bytes, 0),
    total: layers.slice(first).reduce((sum, { fileBytes }) => sum + fileBytes, 0),
  };
}

function hiddenResult(
  rule: 'min-efficiency' | 'max-hidden' | 'max-hidden-share',
  failed: boolean,
  files: readonly HiddenFile[],
  numbers: Pick<RuleResult, 'actual' | 'limit' | 'message'>,
): RuleResult {
  // Nothing is gained by files without bytes.
  const worth = failed ? files.filter(({ bytes }) => bytes > 0) : [];
  return result(rule, rule === 'max-hidden' ? 'bytes' : 'share', failed, {
    ...numbers,
    findings: worth.slice(0, MAX_FINDINGS).map(hiddenFinding),
    more: Math.max(0, worth.length - MAX_FINDINGS),
  });
}

const HOW: Readonly<Record<HiddenFile['how'], string>> = {
  removed: 'removes it',
  replaced: 'replaces it',
  // A chmod, a chown, a touch.
  copied: 'stores the same bytes again',
  twice: 'has it again',
};

function hiddenFinding({ layer, hiddenBy, how, path, bytes }: HiddenFile): RuleFinding {
  const why =
    hiddenBy === layer
      ? `layer ${layer} has it twice`
      : `layer ${layer} stores it, layer ${hiddenBy} ${HOW[how]}`;
  return {
    message: `/${path}: ${say('bytes', bytes)}; ${why}`,
    layer,
    path,
    bytes,
    ...(hiddenBy === layer ? {} : { hiddenBy }),
  };
}
