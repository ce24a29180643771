import type { DobosError } from '../base/errors.ts';
import type { Dockerfile, Range } from '../dockerfile/ast.ts';
import { type IgnorePatterns, parseIgnoreFile } from '../dockerfile/ignore.ts';
import type { Image } from '../image/types.ts';
import type { BaseFacts } from '../lint/facts.ts';
import { type LintResult, lintDockerfile } from '../lint/lint-dockerfile.ts';
import { formatPlatform, normalizePlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/types.ts';
import { buildError } from './errors.ts';
import { automaticArgs } from './expand-variables.ts';
import type { BuildGraph } from './graph.ts';
import type { PlanOptions } from './plan-options.ts';

/** What a plan was made from and became. */
export interface LintedPlan {
  readonly file: Dockerfile;
  readonly options: PlanOptions;
  /** What the stages of the build start from, by index; undefined: not even that could be found out. */
  readonly starts: StageStarts | undefined;
  /** Those that were read. */
  readonly bases: ReadonlyMap<string, Image>;
  readonly ignoreText: string | undefined;
}

/** An image by its key, or nothing that sets anything; a stage that starts from another has undefined. */
export type StageStart = { readonly key: string; readonly platform: Platform } | 'empty' | undefined;
export type StageStarts = ReadonlyMap<number, StageStart>;

/** What the stages of a graph start from: the first step of a stage is its FROM. */
export function startsOf({ steps }: BuildGraph): StageStarts {
  const starts = new Map<number, StageStart>();
  for (const { stage, op } of steps) {
    if (starts.has(stage.index)) continue;
    const start = op.kind === 'base' ? { key: op.name, platform: op.platform } : undefined;
    starts.set(stage.index, op.kind === 'scratch' ? 'empty' : start);
  }
  return starts;
}

/** What the build checks find in the stages of a plan; in all of the file's when there is none. Never throws. */
export function lintPlan({ file, options, starts, bases, ignoreText }: LintedPlan): LintResult {
  return lintDockerfile(file, {
    buildArgs: options.buildArgs,
    automatic: automaticArgs(options),
    built: starts === undefined ? undefined : new Set(starts.keys()),
    bases: starts === undefined ? undefined : baseFacts(starts, bases),
    ignore: ignoreText === undefined ? undefined : (): IgnorePatterns => parseIgnoreFile(ignoreText),
  });
}

/** The error that the findings are to the build, if they are: BUILD_LINT, or BUILD_CHECK_OPTION. */
export function lintError(
  file: Dockerfile,
  { findings, error, problem }: LintResult,
  placeOf: (range: Range) => DobosError['place'],
): DobosError | undefined {
  if (problem !== undefined) {
    const written = file.directives.find(({ name }) => name === 'check');
    const place = written === undefined ? undefined : placeOf(written.value.range);
    return buildError('BUILD_CHECK_OPTION', { problem }, { place });
  }
  if (!error || findings.length === 0) return undefined;
  return buildError('BUILD_LINT', { rules: [...new Set(findings.map(({ rule }) => rule.id))] });
}

function baseFacts(starts: StageStarts, bases: ReadonlyMap<string, Image>): Map<number, BaseFacts> {
  const facts = new Map<number, BaseFacts>();
  for (const [index, start] of starts) {
    if (start === 'empty') facts.set(index, { env: [], hasShell: false });
    else {
      const image = start === undefined ? undefined : bases.get(start.key);
      if (start !== undefined && image !== undefined) facts.set(index, imageFacts(image, start.platform));
    }
  }
  return facts;
}

function imageFacts({ config }: Image, wanted: Platform): BaseFacts {
  const { os, architecture, variant } = config;
  const differs = os !== wanted.os || architecture !== wanted.architecture;
  const got = normalizePlatform({ os, architecture, ...(variant !== undefined && { variant }) });
  return {
    env: config.config?.Env ?? [],
    hasShell: (config.config?.Shell ?? []).length > 0,
    mismatch: differs ? { got: formatPlatform(got), wanted: formatPlatform(wanted) } : undefined,
  };
}
