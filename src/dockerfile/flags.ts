import type { Flag, Instruction, Problem } from './ast.ts';
import { parseDuration } from './duration.ts';
import { readMount } from './mount.ts';
import { problem } from './problems.ts';
import { isBlank, type Piece } from './source.ts';
import { suggest } from './suggest.ts';

type FlagType = 'text' | 'list' | 'boolean' | 'duration' | 'count';

const COPY_FLAGS = { chown: 'text', chmod: 'text', link: 'boolean', exclude: 'list' } as const;
/** The flags that each instruction takes; others take none. `list` may be repeated. */
const FLAGS: { readonly [K in Instruction['kind']]?: Readonly<Record<string, FlagType>> } = {
  FROM: { platform: 'text' },
  COPY: { ...COPY_FLAGS, from: 'text', parents: 'boolean' },
  ADD: { ...COPY_FLAGS, checksum: 'text', 'keep-git-dir': 'boolean', unpack: 'boolean' },
  RUN: { mount: 'list', network: 'text', security: 'text', device: 'list' },
  HEALTHCHECK: {
    interval: 'duration',
    timeout: 'duration',
    'start-period': 'duration',
    'start-interval': 'duration',
    retries: 'count',
  },
};
/** Docker accepts no shorter health check times, in nanoseconds. */
const MIN_DURATION = 1_000_000;

/** The flags right behind the instruction's name, and what follows them. `--` alone ends them; quotes and escapes are honoured. */
export function readFlags(piece: Piece, escapeChar: string): { flags: readonly Flag[]; rest: Piece } {
  const { text } = piece;
  const flags: Flag[] = [];
  let at = 0;
  for (;;) {
    while (isBlank(text[at])) at++;
    if (!text.startsWith('--', at)) return { flags, rest: piece.sub(at) };
    const word = readFlagWord(text, at, escapeChar);
    if (word.value === '--') {
      let rest = word.end;
      while (isBlank(text[rest])) rest++;
      return { flags, rest: piece.sub(rest) };
    }
    flags.push(flagOf(piece, at, word));
    at = word.end;
  }
}

/** What is wrong with the flags of an instruction: unknown, twice, without a value, of the wrong type. */
export function checkFlags(kind: Instruction['kind'], flags: readonly Flag[]): Problem[] {
  const known = FLAGS[kind] ?? {};
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const { name, value, range } of flags) {
    const flag = name.text;
    const type = Object.hasOwn(known, flag) ? known[flag]! : undefined;
    if (type === undefined) {
      const suggestion = suggest(flag, Object.keys(known));
      problems.push(problem('DOCKERFILE_UNKNOWN_FLAG', { flag, suggestion }, name.range));
      continue;
    }
    if (type !== 'list' && seen.has(flag)) {
      problems.push(problem('DOCKERFILE_DUPLICATE_FLAG', { flag }, range));
    }
    seen.add(flag);
    const want = wanted(type, value?.text);
    if (want === undefined) {
      const mount = kind === 'RUN' && flag === 'mount' && value !== undefined ? readMount(value) : undefined;
      if (mount?.kind === 'wrong') problems.push(problem('DOCKERFILE_MOUNT', mount, range));
      continue;
    }
    if (value === undefined) problems.push(problem('DOCKERFILE_FLAG_VALUE_MISSING', { flag }, range));
    else if (type === 'boolean') {
      problems.push(problem('DOCKERFILE_FLAG_NOT_BOOLEAN', { flag, value: value.text }, value.range));
    } else {
      problems.push(problem('DOCKERFILE_FLAG_INVALID', { flag, value: value.text, want }, value.range));
    }
  }
  return problems;
}

/** The value of a flag as written, undefined if it is not there or has none. */
export function flagValue(flags: readonly Flag[], name: string): string | undefined {
  return flags.find((flag) => flag.name.text === name)?.value?.text;
}

/** What a value should be, if it is not that. */
function wanted(type: FlagType, value: string | undefined): string | undefined {
  if (type === 'boolean') {
    return value === undefined || /^(true|false)$/i.test(value) ? undefined : 'true or false';
  }
  if (value === undefined) return 'a value';
  if (type === 'count') return /^\d{1,9}$/.test(value) ? undefined : 'a number that is not negative';
  if (type !== 'duration') return undefined;
  const time = parseDuration(value);
  return time === 0 || (time !== undefined && time >= MIN_DURATION)
    ? undefined
    : 'a duration like 30s or 1m30s, 0 or at least 1ms';
}

interface FlagWord {
  readonly end: number;
  /** Quotes and escapes removed. */
  readonly value: string;
  /** Where `=` stands in the text and in the value, -1 without one. */
  readonly equalsAt: number;
  readonly equalsIn: number;
}

function readFlagWord(text: string, from: number, escapeChar: string): FlagWord {
  let value = '';
  let quote: string | undefined;
  let equalsAt = -1;
  let equalsIn = -1;
  let at = from;
  for (; at < text.length; at++) {
    let char = text[at]!;
    if (quote === undefined && isBlank(char)) break;
    if (quote === undefined && (char === '"' || char === "'")) {
      quote = char;
      continue;
    }
    if (char === quote) {
      quote = undefined;
      continue;
    }
    if (char === escapeChar) {
      if (at + 1 >= text.length) continue;
      char = text[++at]!;
    } else if (char === '=' && equalsAt < 0) {
      equalsAt = at;
      equalsIn = value.length;
    }
    value += char;
  }
  return { end: at, value, equalsAt, equalsIn };
}

function flagOf(piece: Piece, from: number, word: FlagWord): Flag {
  const { end, value, equalsAt, equalsIn } = word;
  const range = piece.word(from, end).range;
  if (equalsAt < 0) return { name: piece.word(from + 2, end, value.slice(2)), value: undefined, range };
  return {
    name: piece.word(from + 2, equalsAt, value.slice(2, equalsIn)),
    value: piece.word(equalsAt + 1, end, value.slice(equalsIn + 1)),
    range,
  };
}
