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
