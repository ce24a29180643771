import type { Instruction, Word } from '../dockerfile/ast.ts';
import type { Stage } from '../dockerfile/stages.ts';
import type { Expanded, Expander, WordOptions } from './expanded.ts';
import type { BaseFacts, LintFacts } from './facts.ts';
import type { FromLine } from './from-lines.ts';

/** An instruction of a stage, with its words as the variables make them. */
export interface WalkedLine {
  readonly instruction: Instruction;
  /** Of the words that builders expand; heredocs by the word that starts them. */
  readonly words: ReadonlyMap<Word, Expanded>;
  /** Variables asked for that are not set, in order, and what may have been meant. */
  readonly missing: readonly {
    readonly name: string;
    readonly at: Word;
    readonly near: string | undefined;
  }[];
}

export interface WalkedStage {
  readonly stage: Stage;
  /** What FROM names, variables put in. */
  readonly name: string;
  /** Index of the stage that it starts from. */
  readonly base: number | undefined;
  /** The image that it starts from, if that is known. */
  readonly image: BaseFacts | undefined;
  readonly lines: readonly WalkedLine[];
}

/** Of images that set none. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** What builders read themselves. */
const NO_VARIABLES = new Set(['BUILDKIT_SBOM_SCAN_CONTEXT', 'BUILDKIT_SBOM_SCAN_STAGE']);

interface State {
  readonly values: Map<string, string>;
  /** Names in `values` that ENV set: it wins over ARG. */
  readonly env: Set<string>;
  /** Names that this file's ARG and ENV set. */
  readonly own: Set<string>;
  /** ARGs of this stage. */
  readonly declared: Set<string>;
  /** Something below may set variables that nobody here knows. */
  readonly known: boolean;
}

/** Follows the variables through the stages that are built. */
export function walkStages(
  fromLines: readonly FromLine[],
  globals: ReadonlyMap<string, string>,
  facts: LintFacts,
  expander: Expander,
): WalkedStage[] {
  const states = new Map<number, State>();
  const walked: WalkedStage[] = [];
  for (const { stage, image, base } of fromLines) {
    if (facts.built !== undefined && !facts.built.has(stage.index)) continue;
    const found = facts.bases?.get(stage.index);
    const below = found === undefined && base !== undefined ? states.get(base) : undefined;
    const state =
      below === undefined ? startState(image.text, found) : { ...copyState(below), known: below.known };
    states.set(stage.index, state);
    const lines = stage.instructions.map((instruction) =>
      walkLine(instruction, state, globals, facts, expander),
    );
    walked.push({
      stage,
      name: image.text,
      base: below === undefined ? undefined : base,
      image: found,
      lines,
    });
  }
  return walked;
}

function startState(name: string, base: BaseFacts | undefined): State {
  const values = new Map([['PATH', DEFAULT_PATH]]);
  for (const entry of base?.env ?? []) {
    const cut = entry.indexOf('=');
    values.set(cut < 0 ? entry : entry.slice(0, cut), cut < 0 ? '' : entry.slice(cut + 1));
  }
  const known = base !== undefined || name.toLowerCase() === 'scratch';
  return { values, env: new Set(values.keys()), own: new Set(), declared: new Set(), known };
}

function copyState({ values, env, own }: State): Omit<State, 'known'> {
  return { values: new Map(values), env: new Set(env), own: new Set(own), declared: new Set() };
}

function walkLine(
  instruction: Instruction,
  state: State,
  globals: ReadonlyMap<string, string>,
  facts: LintFacts,
  expander: Expander,
): WalkedLine {
  const words = new Map<Word, Expanded>();
  const missing: WalkedLine['missing'][number][] = [];
  const read = (word: Word, o?: WordOptions): Expanded => {
    const expanded = expander.expand(word, state.values, o);
    words.set(word, expanded);
    for (const name of expanded.unset) {
      if (state.declared.has(name) || NO_VARIABLES.has(name)) continue;
      // A base that nobody has read may set it: then only a name that is nearly one of this file's is told of.
      const near = expander.nearest(name, state.known ? state.values.keys() : state.own);
      if (state.known || near !== undefined) missing.push({ name, at: word, near });
    }
    return expanded;
  };
  if (instruction.kind === 'ARG') {
    for (const { name, value } of instruction.pairs) {
      const given = facts.buildArgs?.get(name.text);
      // A default that is not used is not even evaluated.
      const text = given ?? (value === undefined ? globals.get(name.text) : read(value).text);
      state.declared.add(name.text);
      state.own.add(name.text);
      if (text !== undefined && !state.env.has(name.text)) state.values.set(name.text, text);
    }
    return { instruction, words, missing };
  }
  for (const word of expandedWords(instruction)) read(word);
  if (instruction.kind === 'COPY' || instruction.kind === 'ADD') {
    for (const { word, body, expand: open } of instruction.heredocs)
      if (open) read(word, { escape: '\\', keepQuotes: true, text: body });
  }
  if (instruction.kind === 'ENV') {
    for (const { name, value } of instruction.pairs) {
      const key = words.get(name)!.text;
      state.values.set(key, words.get(value)!.text);
      state.env.add(key);
      state.own.add(key);
    }
  }
  return { instruction, words, missing };
}

/** The words of an instruction that builders put variables into, but those of ARG. */
function expandedWords(instruction: Instruction): readonly Word[] {
  const flags = (names: readonly string[]): Word[] =>
    instruction.flags.flatMap(({ name, value }) =>
      value !== undefined && names.includes(name.text) ? [value] : [],
    );
  switch (instruction.kind) {
    case 'COPY':
    case 'ADD':
      return [...flags(['chown', 'chmod', 'checksum']), ...instruction.sources, instruction.dest];
    case 'ENV':
    case 'LABEL':
      return instruction.pairs.flatMap(({ name, value }) => [name, value]);
    case 'EXPOSE':
    case 'VOLUME':
      return instruction.words;
    case 'WORKDIR':
    case 'USER':
    case 'STOPSIGNAL':
      return [instruction.value];
    case 'RUN':
      return flags(['mount']);
    default:
      return [];
  }
}
