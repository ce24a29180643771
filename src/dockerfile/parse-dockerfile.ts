import type { Comment, Dockerfile, Instruction, Problem, Tile } from './ast.ts';
import { readDirectives } from './directives.ts';
import { readFlags } from './flags.ts';
import { findHeredocs, type HeredocStart, readHeredocBodies } from './heredoc.ts';
import { instructionName, typeInstruction } from './instruction.ts';
import { readJsonForm } from './json-form.ts';
import { commentOf, type LogicalLine, readLogicalLine, skipBlanks } from './lines.ts';
import { problem } from './problems.ts';
import type { RawInstruction } from './raw.ts';
import { createSource, isBlank, type Piece, type Source, type TextLine, trimPiece } from './source.ts';

/** Bytes of one line: every builder refuses longer ones. */
export const MAX_LINE_BYTES = 65_535;

/** The value of a Dockerfile. Never throws: what is wrong stands in `problems`. Cost: linear in the text. */
export function parseDockerfile(text: string): Dockerfile {
  const source = createSource(text);
  const { lines } = source;
  const start = text.startsWith('\uFEFF') ? 1 : 0;
  const head = readDirectives(source, lines, start);
  const escapeChar = head.escape;
  const directiveLines = new Set(head.directives.map(({ range }) => range.start.line - 1));
  const tiles: Tile[] = start === 0 ? [] : [{ kind: 'bom', range: source.range(0, 1) }];
  const instructions: Instruction[] = [];
  const comments: Comment[] = [];
  const problems: Problem[] = head.problems.concat(longLines(source, lines));
  let above: string[] = [];
  for (let index = 0; index < lines.length; ) {
    const line = lines[index]!;
    const from = index === 0 ? start : line.start;
    const first = skipBlanks(text, from, line.end);
    if (first === line.end || text[first] === '#') {
      const directive = directiveLines.has(index);
      pushTile(tiles, source, 'blank', from, first);
      pushTile(tiles, source, directive ? 'directive' : 'comment', first, line.end);
      pushTile(tiles, source, 'newline', line.end, line.next);
      if (first === line.end) above = [];
      else if (!directive) {
        comments.push(commentOf(source, first, line.end));
        above.push(comments.at(-1)!.text);
      }
      index++;
      continue;
    }
    const logical = readLogicalLine(source, lines, index, from, escapeChar);
    append(tiles, logical.tiles);
    append(comments, logical.comments);
    append(problems, logical.problems);
    index = logical.next;
    // Lines of nothing but an escape character say nothing.
    if (trimPiece(logical.piece).text === '') continue;
    const read = readInstruction(source, lines, logical, escapeChar, above);
    above = [];
    index = read.next;
    append(tiles, read.tiles);
    append(problems, read.problems);
    instructions.push(read.instruction);
  }
  append(problems, shapeProblems(source, instructions));
  problems.sort((a, b) => a.range.start.offset - b.range.start.offset);
  return { text, escape: escapeChar, directives: head.directives, comments, instructions, problems, tiles };
}

function readInstruction(
  source: Source,
  lines: readonly TextLine[],
  logical: LogicalLine,
  escapeChar: string,
  comments: readonly string[],
): { instruction: Instruction; problems: readonly Problem[]; tiles: readonly Tile[]; next: number } {
  const piece = trimPiece(logical.piece);
  const starts = heredocStarts(piece, escapeChar);
  const bodies = readHeredocBodies(source, lines, logical.next, starts);
  const end = starts.length === 0 ? logical.end : bodies.end;
  const range = source.range(logical.start, end);
  const typed = typeInstruction(
    { ...takeApart(piece, escapeChar), range, heredocs: bodies.heredocs, comments, inner: inner(piece) },
    escapeChar,
  );
  return {
    instruction: typed.instruction,
    problems: [...bodies.problems, ...typed.problems],
    tiles: bodies.tiles,
    next: starts.length === 0 ? logical.next : bodies.next,
  };

  function inner(outer: Piece): RawInstruction | undefined {
    const { keyword, rest } = takeApart(outer, escapeChar);
    if (keyword.text.toUpperCase() !== 'ONBUILD' || rest.text === '') return undefined;
    const at = source.range(rest.word(0, 1).range.start.offset, end);
    return { ...takeApart(rest, escapeChar), range: at, heredocs: bodies.heredocs, comments: [] };
  }
}

/** Keyword, flags and what follows. */
function takeApart(
  piece: Piece,
  escapeChar: string,
): Pick<RawInstruction, 'keyword' | 'text' | 'flags' | 'rest'> {
  let end = 0;
  while (end < piece.text.length && !isBlank(piece.text[end])) end++;
  const after = trimPiece(piece.sub(end));
  const { flags, rest } = readFlags(after, escapeChar);
  return { keyword: piece.word(0, end), text: after.word(0, after.text.length), flags, rest };
}

/** The heredocs of an instruction that may have some: RUN, COPY and ADD, also inside ONBUILD, but not in JSON form. */
function heredocStarts(piece: Piece, escapeChar: string): HeredocStart[] {
  if (!piece.text.includes('<<')) return [];
  const { keyword, rest } = takeApart(piece, escapeChar);
  switch (instructionName(keyword.text)) {
    case 'RUN':
    case 'COPY':
    case 'ADD':
      return readJsonForm(rest).kind === 'none' ? findHeredocs(rest) : [];
    case 'ONBUILD':
      // Never deeper: what is inside ONBUILD ONBUILD is an error anyway.
      return /^onbuild\b/i.test(rest.text) ? [] : heredocStarts(rest, escapeChar);
    default:
      return [];
  }
}

function shapeProblems(source: Source, instructions: readonly Instruction[]): Problem[] {
  const whole = source.range(0, source.text.length);
  if (instructions.length === 0) {
    return [
      source.text.trim() === ''
        ? problem('DOCKERFILE_EMPTY', {}, whole)
        : problem('DOCKERFILE_NO_INSTRUCTIONS', {}, whole),
    ];
  }
  const isFrom = (instruction: Instruction): boolean => instruction.keyword.text.toUpperCase() === 'FROM';
  const firstFrom = instructions.findIndex(isFrom);
  const early = instructions
    .slice(0, firstFrom < 0 ? undefined : firstFrom)
    .find(({ kind }) => kind !== 'ARG' && kind !== 'UNKNOWN');
  if (early !== undefined) {
    return [problem('DOCKERFILE_BEFORE_FROM', { name: early.kind }, early.keyword.range)];
  }
  const unknown = instructions.some(({ kind }) => kind === 'UNKNOWN');
  return firstFrom < 0 && !unknown ? [problem('DOCKERFILE_NO_STAGE', {}, whole)] : [];
}

function longLines(source: Source, lines: readonly TextLine[]): Problem[] {
  const problems: Problem[] = [];
  for (const line of lines) {
    // A UTF-16 unit is at most three bytes.
    if ((line.next - line.start) * 3 <= MAX_LINE_BYTES) continue;
    const bytes = utf8Length(source.text.slice(line.start, line.end));
    if (bytes <= MAX_LINE_BYTES) continue;
    const facts = { bytes, limit: MAX_LINE_BYTES };
    problems.push(problem('DOCKERFILE_LINE_TOO_LONG', facts, source.range(line.start, line.end)));
  }
  return problems;
}

function utf8Length(text: string): number {
  let bytes = 0;
  for (const char of text) {
    const code = char.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** As push, for lists of any length. */
function append<T>(list: T[], items: readonly T[]): void {
  for (const item of items) list.push(item);
}

function pushTile(tiles: Tile[], source: Source, kind: Tile['kind'], start: number, end: number): void {
  if (end > start) tiles.push({ kind, range: source.range(start, end) });
}
