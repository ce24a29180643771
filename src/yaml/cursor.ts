import { errorMaker } from '../base/errors.ts';
import type { YamlPlace } from './types.ts';

type YamlErrors = {
  YAML_SYNTAX: { file: string; line: number; column: number; problem: string; advice?: string | undefined };
};
const yamlError = errorMaker<YamlErrors>({
  YAML_SYNTAX: ({ file, line, column, problem, advice }) => ({
    message: `${file}, line ${line}, column ${column}: ${problem}`,
    hint: advice,
  }),
});

/** UTF-16 units of a line that a snippet shows. */
const SNIPPET_WIDTH = 160;

/** A text and a place in it. */
export interface Cursor {
  readonly text: string;
  at: number;
  /** The place of a position; where it stands now without one. */
  place(at?: number): YamlPlace;
  /** Columns before the position, from 0. */
  indent(): number;
  /** Goes over blanks, comments and line ends; true if a line end was among them or it stands at the start. @throws YAML_SYNTAX for a tab that indents a block */
  skip(flow: boolean): boolean;
  /** Goes over blanks and a comment to the end of the line. */
  skipRest(): void;
  atEnd(): boolean;
  /** At the end of the text or a line. */
  atLineEnd(): boolean;
  fail(problem: string, advice?: string, at?: number): Error;
}

export function createCursor(file: string, text: string): Cursor {
  const starts = lineStarts(text);
  /** The line of a position, from 0. */
  const lineOf = (at: number): number => {
    let low = 0;
    for (let high = starts.length - 1; low < high; ) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const isBlank = (char: string | undefined): boolean => char === ' ' || char === '\t';
  const cursor: Cursor = {
    text,
    at: 0,
    place(at = cursor.at) {
      const line = lineOf(at);
      return { line: line + 1, column: at - starts[line]! + 1 };
    },
    indent: () => cursor.at - starts[lineOf(cursor.at)]!,
    skip(flow) {
      let lines = cursor.at === 0;
      let tab = -1;
      for (; cursor.at < text.length; cursor.at++) {
        const char = text[cursor.at]!;
        if (char === '\n') {
          lines = true;
          tab = -1;
        } else if (char === '\t') {
          if (lines && tab < 0) tab = cursor.at;
        } else if (char === '#' && (cursor.at === 0 || /\s/.test(text[cursor.at - 1]!))) {
          const end = text.indexOf('\n', cursor.at);
          cursor.at = (end < 0 ? text.length : end) - 1;
        } else if (char !== ' ') break;
      }
      if (tab >= 0 && !flow && cursor.at < text.length)
        throw cursor.fail('a tab indents this line', 'YAML is indented with spaces', tab);
      return lines;
    },
    skipRest() {
      while (isBlank(text[cursor.at])) cursor.at++;
      if (text[cursor.at] === '#' && /\s/.test(text[cursor.at - 1] ?? ' ')) {
        const end = text.indexOf('\n', cursor.at);
        cursor.at = end < 0 ? text.length : end;
      }
    },
    atEnd: () => cursor.at >= text.length,
    atLineEnd: () => cursor.at >= text.length || text[cursor.at] === '\n',
    fail(problem, advice, at = cursor.at) {
      const { line, column } = cursor.place(at);
      const snippet = yamlSnippet(text, { line, column });
      return yamlError(
        'YAML_SYNTAX',
        { file, line, column, problem, advice },
        { place: { file, line, snippet } },
      );
    },
  };
  return cursor;
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** The line of a place with a mark below the column, for an error. */
export function yamlSnippet(text: string, { line, column }: YamlPlace): string {
  const shown = (text.split('\n')[line - 1] ?? '').replaceAll('\t', ' ').replace(/\r$/, '');
  const from = column > SNIPPET_WIDTH ? column - SNIPPET_WIDTH / 2 : 0;
  const head = `${line} | `;
  return `${head}${shown.slice(from, from + SNIPPET_WIDTH)}\n${' '.repeat(head.length + column - 1 - from)}^`;
}
