import type { Dockerfile, Instruction } from '../dockerfile/ast.ts';
import { stagesOf } from '../dockerfile/stages.ts';
import { type CheckOptions, parseCheckOptions, speaks, withComments } from './check-options.ts';
import { createExpander } from './expanded.ts';
import type { LintFacts } from './facts.ts';
import { readFromLines, readGlobalArgs } from './from-lines.ts';
import type { Finding, Rule, Subject } from './rule.ts';
import { CHECKS } from './rules.ts';
import { walkStages } from './walk-stages.ts';

export interface LintResult {
  /** In order of the file. */
  readonly findings: readonly Finding[];
  /** The file or a build argument wants findings to fail the build. */
  readonly error: boolean;
  /** What is wrong with the options of the check; nothing is looked at then. */
  readonly problem?: string | undefined;
}

/** Nobody reads more. */
const MAX_FINDINGS = 10_000;
/** Files with more instructions do not build, and what grows with the square of them is not looked at. */
const MAX_INSTRUCTIONS = 5_000;

/** What the rules find in a Dockerfile, docker's build checks unless others are given. Never throws. Cost: about linear in the text. */
export function lintDockerfile(
  file: Dockerfile,
  facts: LintFacts = {},
  rules: readonly Rule[] = CHECKS,
): LintResult {
  const options = parseCheckOptions(checkText(file, facts));
  if ('problem' in options) return { findings: [], error: false, problem: options.problem };
  const subject = subjectOf(file, facts);
  const broken =
    file.problems.some(({ severity }) => severity === 'error') || file.instructions.length > MAX_INSTRUCTIONS;
  const findings: Finding[] = [];
  const optionsAt = new Map<Instruction, CheckOptions>();
  for (const rule of rules) {
    if (broken && rule.needs === 'file') continue;
    if (!maySpeak(options, rule)) continue;
    const { id, severity, summary, url } = rule;
    for (const { message, on, range = on.range, at = range, fix } of rule.check(subject)) {
      const here = optionsAt.get(on) ?? withComments(options, on.comments);
      optionsAt.set(on, here);
      if (!speaks(here, rule)) continue;
      if (findings.length >= MAX_FINDINGS) break;
      findings.push({ rule: { id, severity, summary, url }, message, range, at, fix });
    }
  }
  findings.sort((a, b) => a.range.start.offset - b.range.start.offset);
  return { findings, error: options.error };
}

/** The options as they are written: those of the build argument stand for those of the file. */
function checkText(file: Dockerfile, { buildArgs }: LintFacts): string {
  const written = file.directives.find(({ name }) => name === 'check')?.value.text;
  return buildArgs?.get('BUILDKIT_DOCKERFILE_CHECK') ?? written ?? '';
}

/** False if no comment can make the rule speak. */
function maySpeak(options: CheckOptions, rule: Rule): boolean {
  return rule.experimental === true || speaks(options, rule);
}

function subjectOf(file: Dockerfile, facts: LintFacts): Subject {
  const { globals, stages } = stagesOf(file);
  const expander = createExpander(file.escape);
  const variables = once(() => readGlobalArgs(globals, facts, expander).values);
  const fromLines = once(() => readFromLines(stages, variables(), expander));
  const walked = once(() => walkStages(fromLines(), variables(), facts, expander));
  const ignore = facts.ignore === undefined ? undefined : once(facts.ignore);
  return { file, globals, stages, facts: { ...facts, ignore }, expander, fromLines, walked };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
