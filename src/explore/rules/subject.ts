import type { FileTree, LayerIndex } from '../../layer/types.ts';
import type { Exploration } from '../types.ts';
import type { RuleId, RuleResult, Unit } from './types.ts';

/** An explored image as rules see it. */
export interface Subject {
  readonly report: Exploration;
  readonly indexes: readonly LayerIndex[];
  /** The tree after each layer, base first. */
  readonly trees: readonly FileTree[];
}

/** Findings that a rule lists; the rest is counted. */
export const MAX_FINDINGS = 50;

export const result = (
  rule: RuleId,
  unit: Unit,
  failed: boolean,
  rest: Pick<RuleResult, 'actual' | 'limit' | 'message' | 'findings' | 'more'>,
): RuleResult => ({ rule, status: failed ? 'failed' : 'passed', unit, ...rest });

/** A number for a person: `41.2 MB`, `93.4 %`, `3 layers`. A share is cut, not rounded: 89.99 % is not the 90 % that a limit asks for. */
export function say(unit: Unit, value: number): string {
  if (unit === 'bytes') return sayBytes(value);
  if (unit === 'share') return `${Math.floor(value * 10_000 + 1e-9) / 100} %`;
  const noun = unit === 'layers' ? 'layer' : 'path';
  return `${value} ${noun}${value === 1 ? '' : 's'}`;
}

function sayBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = Math.abs(bytes);
  let at = 0;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  return `${bytes < 0 ? '-' : ''}${at === 0 ? value : value.toFixed(1)} ${units[at]}`;
}
