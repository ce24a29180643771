import type { Exploration } from '../types.ts';
import { forbidResult } from './forbid.ts';
import { type GrowthSubject, growthResult } from './growth.ts';
import { hiddenResults } from './hidden.ts';
import { result, type Subject, say } from './subject.ts';
import { RULE_IDS, type RuleOptions, type RuleResult } from './types.ts';

/** Layers that are named where the image is too large. */
const LAYERS_SHOWN = 5;

/** What each rule says of the image, in their order; those without a limit are left out. `against` is the image that growth is measured from. */
export function evaluateRules(
  subject: Subject,
  against: GrowthSubject | undefined,
  o: RuleOptions,
): readonly RuleResult[] {
  const { limits } = o;
  const { report } = subject;
  const results = [
    ...hiddenResults(report, o),
    limits['max-size'] === undefined ? undefined : sizeResult(report, limits['max-size']),
    limits['max-layers'] === undefined ? undefined : layersResult(report, limits['max-layers']),
    limits['max-growth'] === undefined ? undefined : growthResult(subject, against, limits['max-growth']),
    limits.forbid === undefined || limits.forbid.length === 0
      ? undefined
      : forbidResult(subject, limits.forbid),
  ].filter((each) => each !== undefined);
  return results.sort((a, b) => RULE_IDS.indexOf(a.rule) - RULE_IDS.indexOf(b.rule));
}

function sizeResult({ total, layers }: Exploration, limit: number): RuleResult {
  const failed = total > limit;
  const largest = [...layers]
    .filter(({ fileBytes }) => fileBytes > 0)
    .sort((a, b) => b.fileBytes - a.fileBytes || a.number - b.number)
    .map(({ number, fileBytes }) => ({
      message: `layer ${number} stores ${say('bytes', fileBytes)}`,
      layer: number,
      bytes: fileBytes,
    }));
  return result('max-size', 'bytes', failed, {
    actual: total,
    limit,
    message: `${say('bytes', total)} in all layers, at most ${say('bytes', limit)} may be`,
    findings: failed ? largest.slice(0, LAYERS_SHOWN) : [],
    more: failed ? Math.max(0, largest.length - LAYERS_SHOWN) : 0,
  });
}

function layersResult({ layers }: Exploration, limit: number): RuleResult {
  return result('max-layers', 'layers', layers.length > limit, {
    actual: layers.length,
    limit,
    message: `${say('layers', layers.length)}, at most ${limit} may be`,
    findings: [],
    more: 0,
  });
}
