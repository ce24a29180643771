import { isDobosError } from '../base/errors.ts';
import type {
  ArgInstruction,
  Dockerfile,
  Instruction,
  Problem,
  Range,
  RunInstruction,
} from '../dockerfile/ast.ts';
import { flagValue } from '../dockerfile/flags.ts';
import { readMount } from '../dockerfile/mount.ts';
import { parseDockerfile } from '../dockerfile/parse-dockerfile.ts';
import { type Stage, stagesOf } from '../dockerfile/stages.ts';
import { suggest } from '../dockerfile/suggest.ts';
import type { Image } from '../image/types.ts';
import { formatPlatform, parsePlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/types.ts';
import { findNamedContext } from './context-names.ts';
import { automaticArgs, createExpander, type Expander, givenArg } from './expand-variables.ts';
import { createFail, type Fail, problemError } from './plan-errors.ts';
import type { PlanOptions } from './plan-options.ts';

/** Instructions of one file: each costs a document, and ENV grows with their square. */
const MAX_INSTRUCTIONS = 5_000;

/** Where a stage starts, or a COPY reads. */
export type SourceRef =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'stage'; readonly index: number }
  /** The files of a named context. */
  | { readonly kind: 'context'; readonly key: string; readonly platform: Platform }
  | { readonly kind: 'image'; readonly key: string; readonly name: string; readonly platform: Platform };

/** An instruction to run in a stage; one that comes out of an ONBUILD trigger stands where the FROM does. */
export interface Job {
  readonly instruction: Instruction;
  readonly origin: Range;
  /** The trigger's text, if it is one. */
  readonly trigger: string | undefined;
}

export interface LaidStage {
  readonly stage: Stage;
  readonly platform: Platform;
  readonly base: SourceRef;
  /** ONBUILD triggers of the base first. */
  readonly jobs: readonly Job[];
  /** Triggers that this stage leaves to those who start from it. */
  readonly triggers: readonly string[];
}

/** The stages that the target needs, in order of the file. */
export interface Layout {
  readonly stages: readonly LaidStage[];
  readonly target: number;
  readonly globals: ReadonlyMap<string, string>;
  readonly expander: Expander;
  readonly fail: Fail;
  readonly warnings: Problem[];
  /** What `--from` of a job in that stage means. @throws PLAN_FROM_… */
  source(job: Job, stage: LaidStage): SourceRef | undefined;
  /** What the job reads beside the stage it stands in: COPY --from, RUN --mount=from=…. @throws PLAN_FROM_… */
  reads(job: Job, stage: LaidStage): readonly { readonly ref: SourceRef; readonly range: Range }[];
  /** What the name means as the `from` of a mount in that stage. @throws PLAN_FROM_… */
  mountSource(name: string, range: Range, stage: LaidStage): SourceRef;
}

/** Finds the target, its reachable stages and their bases. @throws DOCKERFILE_…, PLAN_… */
export function layOut(
  file: Dockerfile,
  o: PlanOptions,
  known: ReadonlyMap<string, Image> | undefined,
): Layout {
  const broken = file.problems.find((problem) => problem.severity === 'error');
  if (broken !== undefined) throw problemError(file, broken, o.fileName);
  const fail = createFail(file, o.fileName);
  const count = file.instructions.length;
  if (count > MAX_INSTRUCTIONS) {
    throw fail(
      'PLAN_TOO_LONG',
      { count, limit: MAX_INSTRUCTIONS },
      file.instructions[MAX_INSTRUCTIONS]!.range,
    );
  }
  // Blank lines in an instruction are for lint to tell of.
  const warnings: Problem[] = file.problems.filter(
    ({ severity, code }) => severity === 'warning' && code !== 'DOCKERFILE_EMPTY_CONTINUATION',
  );
  const expander = createExpander(file.escape, fail);
  const { globals: argLines, stages } = stagesOf(file);
  const globals = globalArgs(argLines, o, expander);
  const target = findTarget(stages, file, o, fail);
  const laid = new Map<number, LaidStage>();
  const wanted = o.allStages === true ? stages.map(({ index }) => index) : [target];
  const failures: { line: number; error: unknown }[] = [];
  const contextRef = (name: string, platform: Platform): SourceRef | undefined => {
    const found = findNamedContext(o.contexts, name, platform);
    if (found === undefined) return undefined;
    if (found.kind === 'folder') return { kind: 'context', key: found.key, platform };
    return { kind: 'image', key: baseKey(found.name, platform, o.platform), name: found.name, platform };
  };
  const source = (job: Job, stage: LaidStage): SourceRef | undefined => {
    const name = fromOf(job, fail);
    if (name === undefined) return undefined;
    const named = contextRef(name.text, stage.platform);
    return named ?? namedSource(name.text, 'COPY', name.range, stage, stages, o.platform, fail);
  };
  const mountSource = (name: string, range: Range, stage: LaidStage): SourceRef =>
    contextRef(name, stage.platform) ?? namedSource(name, 'a mount', range, stage, stages, o.platform, fail);
  const reads: Layout['reads'] = (job, stage) => {
    const { instruction, origin } = job;
    const at = (range: Range): Range => (job.trigger === undefined ? range : origin);
    if (instruction.kind !== 'RUN') {
      const ref = source(job, stage);
      const flag = instruction.flags.find(({ name }) => name.text === 'from')?.value;
      return ref === undefined ? [] : [{ ref, range: at(flag?.range ?? origin) }];
    }
    return mountFroms(instruction).map(({ name, range }) => ({
      ref: mountSource(name, at(range), stage),
      range: at(range),
    }));
  };
  for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
    if (laid.has(next)) continue;
    try {
      const stage = layStage(stages[next]!);
      laid.set(next, stage);
      if (stage.base.kind === 'stage') wanted.push(stage.base.index);
      for (const job of stage.jobs) {
        for (const { ref } of reads(job, stage)) if (ref.kind === 'stage') wanted.push(ref.index);
      }
    } catch (error) {
      // The first by line is the one to show; stages are visited from the last.
      if (!isDobosError(error)) throw error;
      failures.push({ line: error.place?.line ?? 0, error });
    }
  }
  failures.sort((a, b) => a.line - b.line);
  if (failures[0] !== undefined) throw failures[0].error;
  const inOrder = [...laid.values()].sort((a, b) => a.stage.index - b.stage.index);
  return { stages: inOrder, target, globals, expander, fail, warnings, source, reads, mountSource };

  function layStage(stage: Stage): LaidStage {
    const platform = platformOf(stage);
    // A context of the stage's own name stands for all that the stage would do.
    const instead = stage.name === undefined ? undefined : contextRef(stage.name, platform);
    if (instead !== undefined) return { stage, platform, base: instead, jobs: [], triggers: [] };
    const base = baseOf(stage, platform);
    const own: Job[] = stage.instructions.map((instruction) => ({
      instruction,
      origin: instruction.range,
      trigger: undefined,
    }));
    const triggers = stage.instructions.flatMap((instruction) =>
      instruction.kind === 'ONBUILD' ? [triggerText(instruction)] : [],
    );
    const fired = triggersOf(base).flatMap((text) => triggerJobs(text, stage));
    return { stage, platform, base, jobs: [...fired, ...own], triggers };
  }

  function platformOf(stage: Stage): Platform {
    const flag = stage.from.flags.find((candidate) => candidate.name.text === 'platform')?.value;
    if (flag === undefined) return o.platform;
    const text = expander.text(flag, globals);
    try {
      return parsePlatform(text, o.platform);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw fail('PLAN_PLATFORM', { text, why }, flag.range);
    }
  }

  function baseOf(stage: Stage, platform: Platform): SourceRef {
    const word = stage.from.image;
    const name = expander.text(word, globals);
    if (name === '') throw fail('PLAN_BASE_BLANK', { word: word.text }, word.range);
    if (name.toLowerCase() === 'scratch') {
      if (name !== 'scratch') {
        const message = `${name} is read as scratch, the empty image: write it in lower case`;
        warnings.push({ code: 'PLAN_SCRATCH_CASE', message, range: word.range, severity: 'warning' });
      }
      return { kind: 'scratch' };
    }
    const named = contextRef(name, platform);
    if (named !== undefined) return named;
    const earlier = stages.slice(0, stage.index).findLast((other) => other.name === name.toLowerCase());
    if (earlier !== undefined) return { kind: 'stage', index: earlier.index };
    return { kind: 'image', key: baseKey(name, platform, o.platform), name, platform };
  }

  function triggersOf(base: SourceRef): readonly string[] {
    switch (base.kind) {
      case 'scratch':
      case 'context':
        return [];
      case 'image':
        return known?.get(base.key)?.config.config?.OnBuild ?? [];
      case 'stage':
        return stages[base.index]!.instructions.flatMap((instruction) =>
          instruction.kind === 'ONBUILD' ? [triggerText(instruction)] : [],
        );
    }
  }

  function triggerJobs(text: string, stage: Stage): Job[] {
    const origin = stage.from.range;
    // Triggers are stored without directives: their escape character is the usual one.
    const parsed = parseDockerfile(`FROM scratch\n${text}`);
    const wrong = parsed.problems.find((problem) => problem.severity === 'error');
    const [, instruction, ...more] = parsed.instructions;
    if (wrong !== undefined || instruction === undefined || more.length > 0) {
      const message = wrong?.message ?? 'it is not one instruction';
      throw fail('PLAN_ONBUILD', { trigger: text, message }, origin);
    }
    if (instruction.kind === 'FROM' || instruction.kind === 'ONBUILD' || instruction.kind === 'MAINTAINER') {
      const message = `${instruction.kind} isn't allowed as an ONBUILD trigger`;
      throw fail('PLAN_ONBUILD', { trigger: text, message }, origin);
    }
    return [{ instruction: relocate(instruction, origin), origin, trigger: text }];
  }
}

/** The text of a trigger as it is stored: word for word in one line, and the heredocs that belong to it. */
export function triggerText(instruction: Extract<Instruction, { kind: 'ONBUILD' }>): string {
  const bodies = instruction.heredocs.map(({ body, name }) => `\n${body}${name}`);
  return `${instruction.text.text}${bodies.join('')}`;
}

/** Key of a base: its name, and its platform where that is not the target's. */
function baseKey(name: string, platform: Platform, target: Platform): string {
  const own = formatPlatform(platform);
  return own === formatPlatform(target) ? name : `${name} (${own})`;
}

function globalArgs(
  lines: readonly ArgInstruction[],
  o: PlanOptions,
  expander: Expander,
): Map<string, string> {
  const values = automaticArgs(o);
  for (const { pairs } of lines) {
    for (const { name, value } of pairs) {
      const given = givenArg(o, name.text);
      const text = given ?? (value === undefined ? undefined : expander.text(value, values));
      if (text !== undefined) values.set(name.text, text);
    }
  }
  return values;
}

function findTarget(stages: readonly Stage[], file: Dockerfile, o: PlanOptions, fail: Fail): number {
  if (o.target === undefined) return stages.length - 1;
  const wanted = o.target.toLowerCase();
  const found = stages.findLast((stage) => stage.name === wanted);
  if (found !== undefined) return found.index;
  const known = stages.flatMap((stage) => stage.name ?? []);
  const range = stages.at(-1)?.from.range ?? file.instructions[0]!.range;
  throw fail('PLAN_TARGET_UNKNOWN', { target: o.target, suggestion: suggest(wanted, known), known }, range);
}

/** What a COPY says in `--from`. */
function fromOf(job: Job, fail: Fail): { readonly text: string; readonly range: Range } | undefined {
  const { instruction, origin } = job;
  if (instruction.kind !== 'COPY') return undefined;
  const text = flagValue(instruction.flags, 'from');
  if (text === undefined) return undefined;
  const flag = instruction.flags.find((candidate) => candidate.name.text === 'from');
  const range = job.trigger === undefined ? (flag?.range ?? origin) : origin;
  if (text.includes('$')) throw fail('PLAN_FROM_VARIABLE', { word: text }, range);
  if (text === '') throw fail('PLAN_INVALID', { message: 'COPY --from names nothing' }, range);
  return { text, range };
}

/** What a name or number means to those that read from it: an earlier stage, else an image. */
function namedSource(
  name: string,
  who: 'COPY' | 'a mount',
  range: Range,
  { stage, platform }: Pick<LaidStage, 'stage' | 'platform'>,
  stages: readonly Stage[],
  target: Platform,
  fail: Fail,
): SourceRef {
  const earlier = stages.slice(0, stage.index);
  if (/^\d+$/.test(name)) {
    if (Number(name) >= earlier.length) {
      throw fail('PLAN_FROM_INDEX', { text: name, stages: earlier.length }, range);
    }
    return { kind: 'stage', index: Number(name) };
  }
  const wanted = name.toLowerCase();
  const found = earlier.findLast((other) => other.name === wanted);
  if (found !== undefined) return { kind: 'stage', index: found.index };
  if (stage.name === wanted) throw fail('PLAN_FROM_ITSELF', { name }, range);
  if (stages.some((other) => other.name === wanted)) {
    const verb = who === 'COPY' ? 'copy' : 'mount';
    throw fail('PLAN_FROM_LATER', { verb, name, current: stage.name ?? String(stage.index) }, range);
  }
  if (wanted === 'scratch') {
    const message =
      who === 'COPY' ? 'COPY --from=scratch has no files to copy' : 'a mount from scratch has no files';
    throw fail('PLAN_INVALID', { message }, range);
  }
  return { kind: 'image', key: baseKey(name, platform, target), name, platform };
}

/** The `from` of each mount of a RUN; those of mounts that are wrong are told of elsewhere. */
function mountFroms({ flags }: RunInstruction): readonly { readonly name: string; readonly range: Range }[] {
  return flags.flatMap(({ name, value, range }) => {
    const read = name.text === 'mount' && value !== undefined ? readMount(value) : undefined;
    return read?.kind === 'mount' && read.mount.from ? [{ name: read.mount.from, range }] : [];
  });
}

/** The instruction with every range at one place: those of a trigger lead into another text. */
function relocate<T>(value: T, range: Range): T {
  if (Array.isArray(value)) return value.map((item) => relocate(item, range)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [
    key,
    key === 'range' || key === 'bodyRange' ? range : relocate(item, range),
  ]);
  return Object.fromEntries(entries) as T;
}
