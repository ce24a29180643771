/**
 * Rules that an image has to keep, and what came of them, as plain data.
 * @module
 */

/** In the order in which they are told. */
export const RULE_IDS = [
  'min-efficiency',
  'max-hidden',
  'max-hidden-share',
  'max-size',
  'max-layers',
  'max-growth',
  'forbid',
] as const;
export type RuleId = (typeof RULE_IDS)[number];

/** What a rule is about; one sentence each, without a full stop. */
export const RULE_SUMMARIES: Readonly<Record<RuleId, string>> = {
  'min-efficiency': 'Most of what is shipped is visible',
  'max-hidden': 'Few bytes are shipped that nobody can see',
  'max-hidden-share': 'Few of the bytes of its own layers are hidden',
  'max-size': 'The image is not too large',
  'max-layers': 'The image has not too many layers',
  'max-growth': 'The image has not grown too much',
  forbid: 'No layer holds a forbidden path',
};

export type Unit = 'bytes' | 'share' | 'layers' | 'paths';

/** A limit of growth: in bytes, or as a share of the other image. */
export interface Growth {
  readonly unit: 'bytes' | 'share';
  readonly value: number;
}

/** A rule without a value is not looked at. */
export interface RuleLimits {
  /** 0 to 1. */
  readonly 'min-efficiency'?: number | undefined;
  readonly 'max-hidden'?: number | undefined;
  /** 0 to 1. */
  readonly 'max-hidden-share'?: number | undefined;
  /** Bytes of the regular files in all layers: docker's size of an image. */
  readonly 'max-size'?: number | undefined;
  readonly 'max-layers'?: number | undefined;
  readonly 'max-growth'?: Growth | undefined;
  /** Patterns of paths (path-patterns.ts). */
  readonly forbid?: readonly string[] | undefined;
}

export interface RuleOptions {
  readonly limits: RuleLimits;
  /** Patterns of paths that may be hidden: they count as visible. */
  readonly ignore: readonly string[];
  /** Hidden bytes and efficiency of the layers above the base only. */
  readonly ownLayers: boolean;
}

/** A place in the image that a rule is broken by. */
export interface RuleFinding {
  /** For a person, complete. */
  readonly message: string;
  /** The layer to look at: what stores the bytes. */
  readonly layer?: number | undefined;
  /** The layer that hides them, where that is another one. */
  readonly hiddenBy?: number | undefined;
  /** Without a leading slash. */
  readonly path?: string | undefined;
  readonly bytes?: number | undefined;
}

export interface RuleResult {
  readonly rule: RuleId;
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly unit: Unit;
  /** What was found; absent if skipped. */
  readonly actual?: number | undefined;
  /** What was allowed; absent where nothing sets it. */
  readonly limit?: number | undefined;
  /** The whole of it for a person, in one line: `41.2 MB are hidden, at most 20.0 MB may be`. */
  readonly message: string;
  /** Worst first. */
  readonly findings: readonly RuleFinding[];
  /** Findings beyond those listed. */
  readonly more: number;
}
