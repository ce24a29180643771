import type { Dockerfile, Range } from '../dockerfile/ast.ts';
import { descriptionOf } from '../dockerfile/description.ts';
import { type Stage, stagesOf } from '../dockerfile/stages.ts';
import { createExpander } from '../lint/expanded.ts';
import type { LintFacts } from '../lint/facts.ts';
import { readFromLines, readGlobalArgs } from '../lint/from-lines.ts';
import { walkStages } from '../lint/walk-stages.ts';
import { automaticArgs, givenArg } from './expand-variables.ts';
import type { BuildGraph } from './graph.ts';
import type { PlanOptions } from './plan-options.ts';

/** What a target can be given. Lists are in order of the file. */
export interface Outline {
  /** Empty if the stage has none. */
  readonly name: string;
  readonly description: string | undefined;
  readonly args: readonly OutlineArg[];
  readonly secrets: readonly OutlineMount[];
  readonly ssh: readonly OutlineMount[];
}

export interface OutlineArg {
  readonly name: string;
  /** With the build arguments given; undefined without one. */
  readonly value: string | undefined;
  readonly description: string | undefined;
  readonly range: Range;
}

export interface OutlineMount {
  /** Its id. */
  readonly name: string;
  readonly required: boolean;
  readonly range: Range;
}

/** A stage that can be built by itself. */
export interface Target {
  /** Empty if the stage has none. */
  readonly name: string;
  readonly description: string | undefined;
  /** Built when no other is asked for. */
  readonly isDefault: boolean;
  /** What FROM says. */
  readonly base: string;
  readonly platform: string | undefined;
  readonly range: Range;
}

/** Every stage of a Dockerfile. */
export function listTargets(file: Dockerfile): Target[] {
  const { stages } = stagesOf(file);
  return stages.map((stage) => ({
    name: stage.name ?? '',
    description: describe(stage),
    isDefault: stage.index === stages.length - 1,
    base: stage.from.image.text,
    platform: stage.from.flags.find(({ name }) => name.text === 'platform')?.value?.text,
    range: stage.from.range,
  }));
}

/** The arguments, secrets and agents that the target of a graph, and the stages that it needs, ask for. */
export function outlineOf(file: Dockerfile, graph: BuildGraph, o: PlanOptions): Outline {
  const { globals, stages } = stagesOf(file);
  const target = graph.steps.find(({ id }) => id === graph.output)!.stage.index;
  const built = new Set(graph.steps.map(({ stage }) => stage.index));
  const facts: LintFacts = { buildArgs: o.buildArgs, automatic: automaticArgs(o), built };
  const expander = createExpander(file.escape);
  const { values, uses } = readGlobalArgs(globals, facts, expander);
  const fromLines = readFromLines(stages, values, expander);
  const declared = new Map<string, OutlineArg>();
  for (const { pairs, comments, range } of globals) {
    for (const { name } of pairs) {
      const description = descriptionOf(comments, name.text);
      declared.set(name.text, { name: name.text, value: values.get(name.text), description, range });
    }
  }
  const args = new Map<string, OutlineArg>();
  const use = (name: string): void => {
    const arg = declared.get(name);
    if (arg === undefined || args.has(name)) return;
    args.set(name, arg);
    for (const used of uses.get(name) ?? []) use(used);
  };
  // Of several of one name that of the target is shown, then that of the stage nearest above it.
  for (const { stage, lines } of walkStages(fromLines, values, facts, expander).reverse()) {
    for (const { instruction, words } of lines) {
      if (instruction.kind !== 'ARG') continue;
      for (const { name, value } of instruction.pairs) {
        const given = givenArg(o, name.text);
        // Declared again to see the one above the stages.
        if (value === undefined && given === undefined && values.has(name.text)) use(name.text);
        else if (!args.has(name.text)) {
          args.set(name.text, {
            name: name.text,
            value: given ?? (value === undefined ? undefined : words.get(value)?.text),
            description: descriptionOf(instruction.comments, name.text),
            range: instruction.range,
          });
        }
      }
    }
    const { image, platform } = fromLines[stage.index]!;
    for (const name of [...image.found, ...image.unset, ...(platform?.found ?? [])]) use(name);
  }
  const stage = stages[target]!;
  return {
    name: stage.name ?? '',
    description: describe(stage),
    args: inOrder(args),
    secrets: mountsOf(graph, 'secret'),
    ssh: mountsOf(graph, 'ssh'),
  };
}

function mountsOf({ steps }: BuildGraph, kind: 'secret' | 'ssh'): OutlineMount[] {
  const found = new Map<string, OutlineMount>();
  for (const { op, origin } of steps) {
    for (const mount of op.kind === 'run' ? (op.mounts ?? []) : []) {
      if (mount.kind !== kind || found.has(mount.id)) continue;
      found.set(mount.id, { name: mount.id, required: mount.required, range: origin });
    }
  }
  return inOrder(found);
}

function describe({ from, name }: Stage): string | undefined {
  return descriptionOf(from.comments, name ?? '');
}

function inOrder<T extends { readonly range: Range }>(found: ReadonlyMap<string, T>): T[] {
  return [...found.values()].sort((a, b) => a.range.start.offset - b.range.start.offset);
}
