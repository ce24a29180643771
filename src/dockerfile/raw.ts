import type { Flag, Heredoc, Problem, Range, Word } from './ast.ts';
import type { Piece } from './source.ts';

/** An instruction taken apart as far as its flags. */
export interface RawInstruction {
  readonly range: Range;
  readonly keyword: Word;
  readonly text: Word;
  readonly flags: readonly Flag[];
  /** What follows the flags. */
  readonly rest: Piece;
  readonly heredocs: readonly Heredoc[];
  readonly comments: readonly string[];
  /** The instruction inside ONBUILD, taken apart likewise. */
  readonly inner?: RawInstruction | undefined;
}

/** What a reader of one kind finds: its own fields, or undefined when errors leave nothing to type. */
export type Found<T> = { readonly value: T | undefined; readonly problems: readonly Problem[] };
