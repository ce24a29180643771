import type { Heredoc, Problem, Tile, Word } from './ast.ts';
import { problem } from './problems.ts';
import { isBlank, type Piece, type Source, type TextLine } from './source.ts';

/** A heredoc as announced in the instruction, its body not yet read. */
export interface HeredocStart {
  readonly name: string;
  readonly word: Word;
  readonly fd: number;
  readonly chomp: boolean;
  readonly expand: boolean;
}

const HEREDOC = /^(\d*)<<(-?)([^<]*)$/s;
const OPEN_HEREDOC = /^\d*<<-?$/;

/** The heredocs that a piece of an instruction announces, in order. A word that starts with a quote is none; unclosed quotes mean that there is none. */
export function findHeredocs(piece: Piece): HeredocStart[] {
  if (!piece.text.includes('<<')) return [];
  const words = shellWords(piece.text);
  if (words === undefined) return [];
  const isShift = shiftsIn(piece.text);
  const found: HeredocStart[] = [];
  for (let i = 0; i < words.length; i++) {
    const [from, end] = words[i]!;
    let to = end;
    let raw = piece.text.slice(from, to);
    const after = words[i + 1];
    // `<< EOF`: the blank is allowed since the frontend of May 2025.
    if (OPEN_HEREDOC.test(raw) && after !== undefined) {
      const name = piece.text.slice(...after);
      if (!name.includes('<')) {
        raw += name;
        to = after[1];
        i++;
      }
    }
    const match = HEREDOC.exec(raw);
    if (match === null || match[3] === '' || isShift(from)) continue;
    const name = unquote(match[3]!);
    if (name === '') continue;
    found.push({
      name,
      word: piece.word(from, to),
      fd: Number(match[1] || 0),
      chomp: match[2] === '-',
      expand: name === match[3],
    });
  }
  return found;
}

/** `$((x << 2))`: between double parentheses a shell shifts numbers, and reads no document. To be asked for places in rising order. */
function shiftsIn(text: string): (at: number) => boolean {
  let open = text.indexOf('((');
  let close = open < 0 ? -1 : text.indexOf('))', open);
  return (at) => {
    while (close >= 0 && close < at) {
      open = text.indexOf('((', close);
      close = open < 0 ? -1 : text.indexOf('))', open);
    }
    return close >= 0 && open < at;
  };
}

export interface HeredocBodies {
  readonly heredocs: readonly Heredoc[];
  /** Index of the line behind the last terminator. */
  readonly next: number;
  /** Offset of the end of the last terminator. */
  readonly end: number;
  readonly tiles: readonly Tile[];
  readonly problems: readonly Problem[];
}

/** Reads the bodies that follow an instruction, one after the other. Nothing inside is a comment, a directive or a continuation. */
export function readHeredocBodies(
  source: Source,
  lines: readonly TextLine[],
  index: number,
  starts: readonly HeredocStart[],
): HeredocBodies {
  const heredocs: Heredoc[] = [];
  const tiles: Tile[] = [];
  const problems: Problem[] = [];
  let next = index;
  let end = lines[index]?.start ?? source.text.length;
  for (const start of starts) {
    const from = lines[next]?.start ?? source.text.length;
    const parts: string[] = [];
    let closed: TextLine | undefined;
    while (next < lines.length && closed === undefined) {
      const line = lines[next++]!;
      const strip = start.chomp ? tabsAt(source.text, line.start) : 0;
      if (source.text.slice(line.start + strip, line.end) === start.name) closed = line;
      else parts.push(source.text.slice(line.start + strip, line.next));
    }
    const bodyEnd = closed?.start ?? source.text.length;
    if (closed === undefined) {
      problems.push(problem('DOCKERFILE_HEREDOC_UNTERMINATED', { name: start.name }, start.word.range));
    }
    const bodyRange = source.range(from, bodyEnd);
    if (bodyEnd > from) tiles.push({ kind: 'heredoc-body', range: bodyRange });
    if (closed !== undefined) {
      tiles.push({ kind: 'heredoc-end', range: source.range(closed.start, closed.end) });
      if (closed.next > closed.end) {
        tiles.push({ kind: 'newline', range: source.range(closed.end, closed.next) });
      }
    }
    end = closed?.end ?? source.text.length;
    heredocs.push({ ...start, body: parts.join(''), bodyRange });
  }
  return { heredocs, next, end, tiles, problems };
}

/** Start and end of each word as a shell sees it: quotes and `\` hold blanks. Undefined if a quote does not close. */
function shellWords(text: string): [number, number][] | undefined {
  const words: [number, number][] = [];
  for (let at = 0; at < text.length; ) {
    if (isBlank(text[at])) {
      at++;
      continue;
    }
    const from = at;
    while (at < text.length && !isBlank(text[at])) {
      const char = text[at];
      if (char === "'") {
        const close = text.indexOf("'", at + 1);
        if (close < 0) return undefined;
        at = close + 1;
      } else if (char === '"') {
        at++;
        while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
        if (at >= text.length) return undefined;
        at++;
      } else at += char === '\\' ? 2 : 1;
    }
    words.push([from, Math.min(at, text.length)]);
  }
  return words;
}

function unquote(word: string): string {
  return word.replace(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs, (_, single, double, escaped) =>
    single !== undefined
      ? single
      : double !== undefined
        ? double.replace(/\\(["$\\])/g, '$1')
        : (escaped ?? ''),
  );
}

function tabsAt(text: string, at: number): number {
  let count = 0;
  while (text[at + count] === '\t') count++;
  return count;
}
