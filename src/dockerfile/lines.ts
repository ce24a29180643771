import type { Comment, Problem, Tile } from './ast.ts';
import { problem } from './problems.ts';
import { type Chunk, isBlank, joinChunks, type Piece, type Source, type TextLine } from './source.ts';

/** An instruction with its continuation lines joined, before anything of it is understood. */
export interface LogicalLine {
  readonly piece: Piece;
  /** From the first character of the instruction to the end of its last line. */
  readonly start: number;
  readonly end: number;
  /** Index of the physical line behind it. */
  readonly next: number;
  readonly tiles: readonly Tile[];
  readonly comments: readonly Comment[];
  readonly problems: readonly Problem[];
}

/**
 * Joins the physical lines from `index` on into one instruction. Comments and blank lines inside are left out, leading
 * blanks of continuation lines kept. A continuation at the end of the file is accepted. `from` is where the first line starts.
 */
export function readLogicalLine(
  source: Source,
  lines: readonly TextLine[],
  index: number,
  from: number,
  escapeChar: string,
): LogicalLine {
  const { text } = source;
  const tiles: Tile[] = [];
  const comments: Comment[] = [];
  const problems: Problem[] = [];
  const chunks: Chunk[] = [];
  let length = 0;
  let end = from;
  let keyword = false;
  let next = index;
  const tile = (kind: Tile['kind'], start: number, stop: number): void => {
    if (stop > start) tiles.push({ kind, range: source.range(start, stop) });
  };
  for (; next < lines.length; next++) {
    const line = lines[next]!;
    const start = next === index ? from : line.start;
    const first = skipBlanks(text, start, line.end);
    if (next > index && text[first] === '#' && first < line.end) {
      tile('blank', line.start, first);
      comments.push(commentOf(source, first, line.end));
      tile('comment', first, line.end);
      tile('newline', line.end, line.next);
      continue;
    }
    if (next > index && first === line.end) {
      problems.push(problem('DOCKERFILE_EMPTY_CONTINUATION', {}, source.range(line.start, line.end)));
      tile('blank', line.start, line.end);
      tile('newline', line.end, line.next);
      continue;
    }
    const stop = continuationStart(text, start, line.end, escapeChar);
    // Blanks before the first word of the instruction are dropped, those of later lines kept.
    const lead = keyword ? start : Math.min(first, stop ?? line.end);
    const cut = stop ?? line.end;
    tile('blank', start, lead);
    let at = lead;
    if (!keyword && cut > lead) {
      while (at < cut && !isBlank(text[at])) at++;
      tile('keyword', lead, at);
      keyword = true;
    }
    tile('arguments', at, cut);
    if (cut > lead) {
      chunks.push({ at: length, offset: lead, length: cut - lead });
      length += cut - lead;
      end = cut;
    }
    tile('continuation', cut, line.end);
    tile('newline', line.end, line.next);
    if (stop === undefined) {
      next++;
      break;
    }
  }
  const start = chunks[0]?.offset ?? from;
  return { piece: joinChunks(source, chunks), start, end, next, tiles, comments, problems };
}

/** The comment at `start`, which is its `#`. */
export function commentOf(source: Source, start: number, end: number): Comment {
  return { text: source.text.slice(start + 1, end).trim(), range: source.range(start, end) };
}

/** The first place from `at` on that is no blank, at most `end`. */
export function skipBlanks(text: string, at: number, end: number): number {
  while (at < end && isBlank(text[at])) at++;
  return at;
}

/** Where the escape character stands that continues the line, or undefined: it is the last one but blanks, and no second one stands before it. */
function continuationStart(text: string, start: number, end: number, escapeChar: string): number | undefined {
  let at = end - 1;
  while (at >= start && (text[at] === ' ' || text[at] === '\t')) at--;
  if (at < start || text[at] !== escapeChar) return undefined;
  return at > start && text[at - 1] === escapeChar ? undefined : at;
}
