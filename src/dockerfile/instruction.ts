import { never } from '../base/errors.ts';
import type { Instruction, Problem } from './ast.ts';
import { readCommand, readHealthcheck, readShell } from './commands.ts';
import { readCopy } from './copy.ts';
import { checkFlags } from './flags.ts';
import { readFrom } from './from.ts';
import { readArgPairs, readPairs } from './pairs.ts';
import { problem } from './problems.ts';
import type { Found, RawInstruction } from './raw.ts';
import { splitBlanks, wholeWord } from './source.ts';
import { suggest } from './suggest.ts';
import { readWords } from './words-form.ts';

export type InstructionName = Exclude<Instruction['kind'], 'UNKNOWN'>;

/** Every instruction of the language. */
export const INSTRUCTION_NAMES: readonly InstructionName[] = [
  ...(['ADD', 'ARG', 'CMD', 'COPY', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'FROM', 'HEALTHCHECK', 'LABEL'] as const),
  ...(['MAINTAINER', 'ONBUILD', 'RUN', 'SHELL', 'STOPSIGNAL', 'USER', 'VOLUME', 'WORKDIR'] as const),
];

/** The typed instruction, and everything wrong with it. With an error inside it is of kind UNKNOWN. */
export function typeInstruction(
  raw: RawInstruction,
  escapeChar: string,
): { instruction: Instruction; problems: readonly Problem[] } {
  const { rest: _, inner: __, ...common } = raw;
  const kind = instructionName(raw.keyword.text);
  if (kind === undefined) {
    const suggestion = suggest(raw.keyword.text, INSTRUCTION_NAMES);
    const facts = { word: raw.keyword.text, suggestion };
    return {
      instruction: { ...common, kind: 'UNKNOWN' },
      problems: [problem('DOCKERFILE_UNKNOWN_INSTRUCTION', facts, raw.keyword.range)],
    };
  }
  const flagProblems = checkFlags(kind, raw.flags);
  const found =
    raw.rest.text === '' && raw.heredocs.length === 0
      ? noArguments(kind, raw)
      : readKind(kind, raw, escapeChar);
  const problems = [...flagProblems, ...found.problems];
  if (found.value === undefined) return { instruction: { ...common, kind: 'UNKNOWN' }, problems };
  return { instruction: { ...common, ...found.value } as Instruction, problems };
}

/** The instruction of that name in any case, or undefined. */
export function instructionName(word: string): InstructionName | undefined {
  const upper = word.toUpperCase();
  return INSTRUCTION_NAMES.find((name) => name === upper);
}

function noArguments(kind: InstructionName, raw: RawInstruction): Found<never> {
  const exactlyOne = ['MAINTAINER', 'STOPSIGNAL', 'USER', 'WORKDIR'].includes(kind);
  const message =
    kind === 'FROM'
      ? 'FROM requires either one or three arguments'
      : `${kind} requires ${exactlyOne ? 'exactly' : 'at least'} one argument`;
  return { value: undefined, problems: [problem('DOCKERFILE_ARGUMENTS', { message }, raw.keyword.range)] };
}

/** The own fields of each kind, `kind` included. */
function readKind(kind: InstructionName, raw: RawInstruction, escapeChar: string): Found<object> {
  const { rest } = raw;
  switch (kind) {
    case 'FROM':
      return readFrom(splitBlanks(rest), raw.keyword.range);
    case 'ARG': {
      const { pairs, problems } = readArgPairs(rest, escapeChar);
      return { value: problems.length > 0 ? undefined : { kind, pairs }, problems };
    }
    case 'ENV':
    case 'LABEL': {
      const { pairs, legacy, problems } = readPairs(rest, kind, escapeChar);
      return { value: problems.length > 0 ? undefined : { kind, pairs, legacy }, problems };
    }
    case 'RUN':
    case 'CMD':
    case 'ENTRYPOINT':
      return readCommand(kind, rest);
    case 'SHELL':
      return readShell(rest);
    case 'HEALTHCHECK':
      return readHealthcheck(rest);
    case 'COPY':
    case 'ADD':
      return readCopy(kind, rest, raw.heredocs);
    case 'EXPOSE':
    case 'VOLUME':
      return readWords(kind, rest);
    case 'WORKDIR':
    case 'USER':
    case 'STOPSIGNAL':
    case 'MAINTAINER':
      return { value: { kind, value: wholeWord(rest) }, problems: [] };
    case 'ONBUILD':
      return readOnbuild(raw, escapeChar);
    default:
      return never(kind);
  }
}

function readOnbuild(raw: RawInstruction, escapeChar: string): Found<object> {
  const { inner } = raw;
  if (inner === undefined) return noArguments('ONBUILD', raw);
  const name = instructionName(inner.keyword.text);
  if (name === 'ONBUILD' || name === 'FROM' || name === 'MAINTAINER') {
    const message =
      name === 'ONBUILD'
        ? "chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"
        : `${name} isn't allowed as an ONBUILD trigger`;
    return {
      value: undefined,
      problems: [problem('DOCKERFILE_ONBUILD', { message }, inner.keyword.range)],
    };
  }
  const { instruction, problems } = typeInstruction(inner, escapeChar);
  return {
    value: instruction.kind === 'UNKNOWN' ? undefined : { kind: 'ONBUILD', trigger: instruction },
    problems,
  };
}
