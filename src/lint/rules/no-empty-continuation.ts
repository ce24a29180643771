import type { Instruction, Problem, Range } from '../../dockerfile/ast.ts';
import { checkUrl, type Edit, type Rule } from '../rule.ts';

/** No blank lines inside a continued instruction. */
export const noEmptyContinuation: Rule = {
  id: 'NoEmptyContinuation',
  url: checkUrl('NoEmptyContinuation'),
  severity: 'warning',
  summary: 'no blank line stands inside a continued instruction',
  why: 'Builders pass over a blank line behind a `\\`, and have announced that they will refuse it: it looks like the end of the instruction and is none. A line with a lone `#` makes the same room.',
  needs: 'line',
  examples: {
    bad: 'FROM alpine\nRUN apk add \\\n\n    curl\n',
    good: 'FROM alpine\nRUN apk add \\\n    # for the health check\n    curl\n',
  },
  *check({ file }) {
    const blank = file.problems.filter(({ code }) => code === 'DOCKERFILE_EMPTY_CONTINUATION');
    if (blank.length === 0) return;
    let next = 0;
    for (const on of file.instructions) {
      const own: Problem[] = [];
      for (; next < blank.length && blank[next]!.range.start.offset < behind(on); next++)
        if (blank[next]!.range.start.offset > on.range.start.offset) own.push(blank[next]!);
      if (own.length === 0) continue;
      const last = lastLine(on);
      yield {
        message: 'Empty continuation line',
        on,
        range: last,
        at: own[0]!.range,
        fix: own.map(({ range }) => removed(range)),
      };
    }

    /** Blank lines at the end of the file belong to the instruction above them. */
    function behind(on: Instruction): number {
      return on === file.instructions.at(-1) ? file.text.length + 1 : on.range.end.offset;
    }

    function removed({ start, end }: Range): Edit {
      const feed = file.text.indexOf('\n', end.offset);
      // At the end of a file without a line end there is nothing behind the line.
      if (feed < 0) return { range: { start, end }, text: '' };
      const next = { line: start.line + 1, column: 1, offset: feed + 1 };
      return { range: { start, end: next }, text: '' };
    }
  },
};

/** The last line of the instruction's own text, before the bodies of heredocs. */
function lastLine({ text, range }: Instruction): Range {
  const end = text.text === '' ? range.end : text.range.end;
  return { start: { line: end.line, column: 1, offset: end.offset - end.column + 1 }, end };
}
