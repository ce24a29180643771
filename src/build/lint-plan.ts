import type { DobosError } from '../base/errors.ts';
import type { Dockerfile, Range } from '../dockerfile/ast.ts';
import { type IgnorePatterns, parseIgnoreFile } from '../dockerfile/ignore.ts';
import type { Image } from '../image/types.ts';
import { type LintResult, lintDockerfile } from '../lint/lint-dockerfile.ts';
import type { BaseFacts } from '../lint/rule.ts';
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
  /** Undefined: planning failed. */
  readonly graph: BuildGraph | undefined;
  /** Those that were read. */
  readonly bases: ReadonlyMap<string, Image>;
  readonly ignoreText: string | undefined;
}

/** What the build checks find in the stages of a plan; in all of the file's when there is none. Never throws. */
export function lintPlan({ file, options, graph, bases, ignoreText }: LintedPlan): LintResult {
  return lintDockerfile(file, {
    buildArgs: options.buildArgs,
    automatic: automaticArgs(options),
    built: graph === undefined ? undefined : new Set(graph.steps.map(({ stage }) => stage.index)),
    bases: graph === undefined ? undefined : baseFacts(graph, bases),
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

/** What the stages start from, by index: the first step of a stage is its FROM. */
function baseFacts(graph: BuildGraph, bases: ReadonlyMap<string, Image>): Map<number, BaseFacts> {
  const facts = new Map<number, BaseFacts>();
  const seen = new Set<number>();
  for (const { stage, op } of graph.steps) {
    if (seen.has(stage.index)) continue;
    seen.add(stage.index);
    if (op.kind === 'scratch') facts.set(stage.index, { env: [], hasShell: false });
    const image = op.kind === 'base' ? bases.get(op.name) : undefined;
    if (op.kind === 'base' && image !== undefined) facts.set(stage.index, imageFacts(image, op.platform));
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
