import { parseDockerfile } from '../dockerfile/parse-dockerfile.ts';
import { stagesOf } from '../dockerfile/stages.ts';
import type { InstructionSource, SourceInstruction } from './instruction.ts';

/** A stage as far as its lines matter. */
export interface SourceStage {
  /** In lower case. */
  readonly name: string | undefined;
  /** What it continues: an image, or the name or number of a stage. */
  readonly from: string;
  readonly instructions: readonly SourceInstruction[];
}

/** The instructions of a Dockerfile's stage: the last one, or the one of that name or number; undefined if there is none. */
export function dockerfileSource(file: string, text: string, target?: string): InstructionSource | undefined {
  const { stages } = stagesOf(parseDockerfile(text));
  const plain = stages.map(
    ({ name, from, instructions }): SourceStage => ({
      name,
      from: from.image.text,
      instructions: instructions.map(({ kind, text: words, range }) => ({
        keyword: kind,
        text: words.text,
        line: range.start.line,
      })),
    }),
  );
  const wanted = target?.toLowerCase();
  const at =
    wanted === undefined
      ? stages.length - 1
      : stages.findIndex(({ name, index }) => name === wanted || String(index) === wanted);
  return plain[at] === undefined
    ? undefined
    : { file, from: 'file', instructions: stageInstructions(plain, at) };
}

/** The instructions of a stage, behind those of the stages it continues. */
export function stageInstructions(stages: readonly SourceStage[], at: number): readonly SourceInstruction[] {
  const parts: (readonly SourceInstruction[])[] = [];
  for (let next = at; ; ) {
    const stage = stages[next];
    if (stage === undefined) break;
    parts.unshift(stage.instructions);
    const from = stage.from.toLowerCase();
    // A stage continues an earlier one only, so this ends.
    const below = stages.findLastIndex(
      ({ name }, index) => index < next && (name === from || String(index) === from),
    );
    if (below < 0) break;
    next = below;
  }
  return parts.flat();
}
