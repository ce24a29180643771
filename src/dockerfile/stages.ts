import type { ArgInstruction, Dockerfile, FromInstruction, Instruction } from './ast.ts';

/** A FROM and everything up to the next one. */
export interface Stage {
  readonly index: number;
  /** In lower case: look-ups ignore case. */
  readonly name: string | undefined;
  readonly from: FromInstruction;
  /** Without the FROM. */
  readonly instructions: readonly Instruction[];
}

/** The ARGs before the first FROM, and the stages in order. What stands elsewhere, or has errors, is left out. */
export function stagesOf(file: Dockerfile): {
  readonly globals: readonly ArgInstruction[];
  readonly stages: readonly Stage[];
} {
  const globals: ArgInstruction[] = [];
  const stages: (Stage & { readonly instructions: Instruction[] })[] = [];
  for (const instruction of file.instructions) {
    const stage = stages.at(-1);
    if (instruction.kind === 'FROM') {
      const name = instruction.as?.name.text.toLowerCase();
      stages.push({ index: stages.length, name, from: instruction, instructions: [] });
    } else if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.kind === 'ARG') globals.push(instruction);
  }
  return { globals, stages };
}
