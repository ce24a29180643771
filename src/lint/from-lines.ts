import type { ArgInstruction, FromInstruction } from '../dockerfile/ast.ts';
import type { Stage } from '../dockerfile/stages.ts';
import type { Expanded, Expander } from './expanded.ts';
import type { LintFacts } from './facts.ts';

/** A FROM with its variables put in. */
export interface FromLine {
  readonly stage: Stage;
  readonly from: FromInstruction;
  readonly image: Expanded;
  readonly platform: Expanded | undefined;
  /** Index of the stage that it starts from. */
  readonly base: number | undefined;
}

const AMD64: ReadonlyMap<string, string> = new Map(
  ['TARGET', 'BUILD'].flatMap((prefix) =>
    Object.entries({ PLATFORM: 'linux/amd64', OS: 'linux', ARCH: 'amd64', VARIANT: '', OSVERSION: '' }).map(
      ([name, value]): [string, string] => [`${prefix}${name}`, value],
    ),
  ),
).set('TARGETSTAGE', 'default');

export interface GlobalArgs {
  /** The variables that FROM lines see. */
  readonly values: ReadonlyMap<string, string>;
  /** For each ARG the names that its value is made of. */
  readonly uses: ReadonlyMap<string, ReadonlySet<string>>;
}

/** The ARGs before the first FROM, evaluated; with an empty `given` those of a build that gets no arguments. */
export function readGlobalArgs(
  globals: readonly ArgInstruction[],
  facts: LintFacts,
  expander: Expander,
  given: ReadonlyMap<string, string> | undefined = facts.buildArgs,
): GlobalArgs {
  const values = new Map(facts.automatic ?? AMD64);
  const uses = new Map<string, ReadonlySet<string>>();
  for (const { name, value } of globals.flatMap(({ pairs }) => pairs)) {
    const known = given?.get(name.text);
    const made = known !== undefined || value === undefined ? undefined : expander.expand(value, values);
    const text = known ?? made?.text;
    const found = made?.found ?? new Set<string>();
    // `ARG A=${A}-x` is made of what the A before it was made of.
    const before = found.has(name.text) ? (uses.get(name.text) ?? []) : [];
    uses.set(name.text, new Set([...found, ...before].filter((used) => used !== name.text)));
    if (text !== undefined) values.set(name.text, text);
  }
  return { values, uses };
}

/** The FROM of every stage. */
export function readFromLines(
  stages: readonly Stage[],
  variables: ReadonlyMap<string, string>,
  expander: Expander,
): FromLine[] {
  const byName = new Map<string, number>();
  return stages.map((stage) => {
    const { from } = stage;
    const flag = from.flags.find(({ name }) => name.text === 'platform')?.value;
    const image = expander.expand(from.image, variables);
    const base = byName.get(image.text.toLowerCase());
    // A later stage of the same name takes its place.
    if (stage.name !== undefined) byName.set(stage.name, stage.index);
    const platform = flag === undefined ? undefined : expander.expand(flag, variables);
    return { stage, from, image, platform, base };
  });
}
