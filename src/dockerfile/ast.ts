/**
 * A Dockerfile as a value: instructions with a range on every word, the problems found, and tiles that give the text back.
 * The room is pure: no I/O, no `node:` import; the browser lints and highlights with the same code.
 * @module
 */

/** A place in a text. `line` and `column` count from 1, columns in UTF-16 units; `offset` from 0. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
}

/** A part of a text; `end` is exclusive. */
export interface Range {
  readonly start: Position;
  readonly end: Position;
}

/** A piece of an instruction. `text` has continuations removed but quotes, escapes and variables as written, JSON strings decoded. */
export interface Word {
  readonly text: string;
  readonly range: Range;
}

/** What is wrong in the text. Errors stop a build, warnings are for lint and the summary. */
export interface Problem {
  /** `DOCKERFILE_…`; the table stands in problems.ts. */
  readonly code: string;
  readonly message: string;
  readonly range: Range;
  readonly hint?: string | undefined;
  readonly severity: 'error' | 'warning';
}

/** Tiles stand side by side without gap or overlap: their texts in order are the file. */
export interface Tile {
  readonly kind:
    | 'bom'
    | 'blank'
    | 'newline'
    | 'comment'
    | 'directive'
    | 'keyword'
    | 'arguments'
    | 'continuation'
    | 'heredoc-body'
    | 'heredoc-end';
  readonly range: Range;
}

/** `# key=value` at the head of the file. */
export interface Directive {
  readonly name: 'syntax' | 'escape' | 'check';
  readonly value: Word;
  readonly range: Range;
}

export interface Comment {
  /** Without the `#` and the blanks around. */
  readonly text: string;
  readonly range: Range;
}

export interface Heredoc {
  /** The terminator, unquoted; the file name in COPY and ADD. */
  readonly name: string;
  /** The word in the instruction, `<<` and all. */
  readonly word: Word;
  /** File descriptor, 0 unless written. */
  readonly fd: number;
  /** `<<-`: leading tabs are stripped from body and terminator. */
  readonly chomp: boolean;
  /** No part of the name is quoted: COPY and ADD expand variables in the body. */
  readonly expand: boolean;
  /** Lines with their ends, tabs already stripped if `chomp`. */
  readonly body: string;
  /** Of the body as it stands in the file; empty range at its place when there is no line. */
  readonly bodyRange: Range;
}

export interface Flag {
  /** Without the dashes. */
  readonly name: Word;
  /** Undefined for `--name` alone; quotes and escapes removed. */
  readonly value: Word | undefined;
  readonly range: Range;
}

/** `NAME` or `NAME=value` as written. */
export interface Pair {
  readonly name: Word;
  readonly value: Word | undefined;
}

export type Command =
  | { readonly form: 'shell'; readonly text: string; readonly range: Range }
  | { readonly form: 'exec'; readonly args: readonly Word[]; readonly range: Range };

interface Common {
  /** From the keyword to the last terminator, continuations and heredocs included. */
  readonly range: Range;
  /** As written; `kind` is in capitals. */
  readonly keyword: Word;
  /** Everything after the keyword with continuations removed, flags included, heredoc bodies left out; the range covers the same in the file. */
  readonly text: Word;
  readonly flags: readonly Flag[];
  readonly heredocs: readonly Heredoc[];
  /** The comment lines right above, without `#`. */
  readonly comments: readonly string[];
}

export type FromInstruction = Common & {
  readonly kind: 'FROM';
  readonly image: Word;
  readonly as?: { readonly keyword: Word; readonly name: Word } | undefined;
};
export type ArgInstruction = Common & { readonly kind: 'ARG'; readonly pairs: readonly Pair[] };
export type PairsInstruction = Common & {
  readonly kind: 'ENV' | 'LABEL';
  readonly pairs: readonly (Pair & { readonly value: Word })[];
  /** Written as `NAME rest of line`. */
  readonly legacy: boolean;
};
export type RunInstruction = Common & { readonly kind: 'RUN'; readonly command: Command };
export type CommandInstruction = Common & {
  readonly kind: 'CMD' | 'ENTRYPOINT';
  readonly command: Command;
};
export type ShellInstruction = Common & { readonly kind: 'SHELL'; readonly args: readonly Word[] };
export type CopyInstruction = Common & {
  readonly kind: 'COPY' | 'ADD';
  /** In order, words of heredocs left out. */
  readonly sources: readonly Word[];
  readonly dest: Word;
  /** Words of a JSON array are taken as they are, but variables. */
  readonly json: boolean;
};
export type WordsInstruction = Common & {
  readonly kind: 'EXPOSE' | 'VOLUME';
  readonly words: readonly Word[];
  readonly json: boolean;
};
export type LineInstruction = Common & {
  readonly kind: 'WORKDIR' | 'USER' | 'STOPSIGNAL' | 'MAINTAINER';
  readonly value: Word;
};
export type HealthcheckInstruction = Common & {
  readonly kind: 'HEALTHCHECK';
  /** Undefined for NONE. */
  readonly command: Command | undefined;
};
export type OnbuildInstruction = Common & {
  readonly kind: 'ONBUILD';
  readonly trigger: Instruction;
};
/** A word that is no instruction, or an instruction whose arguments have errors: a problem in the file says which. */
export type UnknownInstruction = Common & { readonly kind: 'UNKNOWN' };

export type Instruction =
  | FromInstruction
  | ArgInstruction
  | PairsInstruction
  | RunInstruction
  | CommandInstruction
  | ShellInstruction
  | CopyInstruction
  | WordsInstruction
  | LineInstruction
  | HealthcheckInstruction
  | OnbuildInstruction
  | UnknownInstruction;

export interface Dockerfile {
  readonly text: string;
  /** `\` unless the escape directive says otherwise. */
  readonly escape: '\\' | '`';
  readonly directives: readonly Directive[];
  readonly comments: readonly Comment[];
  readonly instructions: readonly Instruction[];
  /** In order of the text. */
  readonly problems: readonly Problem[];
  readonly tiles: readonly Tile[];
}
