import { DobosError, errorMaker, isDobosError } from '../base/errors.ts';
import type { Dockerfile, Problem, Range } from '../dockerfile/ast.ts';
import { formatSnippet } from '../dockerfile/snippet.ts';

export type PlanErrors = {
  PLAN_TARGET_UNKNOWN: { target: string; suggestion: string | undefined; known: readonly string[] };
  PLAN_BASE_BLANK: { word: string };
  PLAN_BASE_MISSING: { name: string };
  PLAN_PLATFORM: { text: string; why: string };
  PLAN_EXPANSION: { word: string; message: string };
  PLAN_FROM_VARIABLE: { word: string };
  PLAN_FROM_ITSELF: { name: string };
  PLAN_FROM_LATER: { verb: 'copy' | 'mount'; name: string; current: string };
  PLAN_FROM_INDEX: { text: string; stages: number };
  PLAN_UNSUPPORTED: { what: string; hint?: string | undefined };
  PLAN_INVALID: { message: string; hint?: string | undefined };
  PLAN_ONBUILD: { trigger: string; message: string };
  PLAN_TOO_LONG: { count: number; limit: number };
};

/** Errors of planning; each carries the place in the Dockerfile. */
const planError = errorMaker<PlanErrors>({
  PLAN_TARGET_UNKNOWN: ({ target, suggestion, known }) => ({
    message: `target stage ${JSON.stringify(target)} could not be found${suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`}`,
    hint: known.length === 0 ? 'no stage has a name' : `the stages are: ${known.join(', ')}`,
  }),
  PLAN_BASE_BLANK: ({ word }) => ({
    message: `base name (${word}) should not be blank`,
    hint: 'declare the ARG before the first FROM, or give it with --build-arg',
  }),
  PLAN_BASE_MISSING: ({ name }) => `the image ${name} was not read before planning`,
  PLAN_PLATFORM: ({ text, why }) => `invalid platform ${JSON.stringify(text)}: ${why}`,
  PLAN_EXPANSION: ({ word, message }) => `failed to process ${JSON.stringify(word)}: ${message}`,
  PLAN_FROM_VARIABLE: ({ word }) => ({
    message: `variable expansion is not supported for --from, got ${JSON.stringify(word)}`,
    hint: 'define a new stage with FROM using ARG from global scope as a workaround',
  }),
  PLAN_FROM_ITSELF: ({ name }) => `circular dependency detected on stage: ${name}`,
  PLAN_FROM_LATER: ({ verb, name, current }) =>
    `cannot ${verb} from stage ${JSON.stringify(name)}, it needs to be defined before current stage ${JSON.stringify(current)}`,
  PLAN_FROM_INDEX: ({ text, stages }) =>
    `invalid stage index ${text}: ${stages === 0 ? 'no stage stands before this one' : `want 0 to ${stages - 1}, the stages before this one`}`,
  PLAN_UNSUPPORTED: ({ what, hint }) => ({ message: `${what} is not supported yet`, hint }),
  PLAN_INVALID: ({ message, hint }) => ({ message, hint }),
  PLAN_ONBUILD: ({ trigger, message }) =>
    `the base image's ONBUILD trigger ${JSON.stringify(trigger)} is wrong: ${message}`,
  PLAN_TOO_LONG: ({ count, limit }) =>
    `the Dockerfile has ${count} instructions, at most ${limit} are accepted`,
});

/** Makes an error with its place in the file. */
export type Fail = <K extends keyof PlanErrors & string>(
  code: K,
  facts: PlanErrors[K],
  range: Range,
) => DobosError;

/** The maker of errors of one Dockerfile. */
export function createFail(file: Dockerfile, fileName: string | undefined): Fail {
  return (code, facts, range) => planError(code, facts, { place: placeOf(file, range, fileName) });
}

/** A parse problem as an error to throw. */
export function problemError(file: Dockerfile, problem: Problem, fileName: string | undefined): DobosError {
  const { code, message, hint, range } = problem;
  return new DobosError(code, message, {}, { hint, place: placeOf(file, range, fileName) });
}

/** The error with its place in the Dockerfile, and the advice if there is one; anything else, and what has a place, as it is. */
export function atPlace(error: unknown, place: DobosError['place'], near: string | undefined): unknown {
  if (!isDobosError(error) || error.place !== undefined) return error;
  const { code, message, facts, hint, cause } = error;
  return new DobosError(code, message, facts, { hint: near ?? hint, cause, place });
}

function placeOf(file: Dockerfile, range: Range, fileName: string | undefined) {
  return {
    line: range.start.line,
    snippet: formatSnippet(file.text, range),
    ...(fileName !== undefined && { file: fileName }),
  };
}
