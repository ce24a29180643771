import type { Range } from '../dockerfile/ast.ts';
import type { Finding } from './rule.ts';

/** The file that findings are about. */
export interface CheckedFile {
  /** For messages. */
  readonly name: string;
  readonly text: string;
}

/** Lines of a snippet of one line, with those around it; of more lines, half as many around. */
const AROUND = 4;
const RULE_LINE = '--------------------';
/** UTF-16 units of a line that are shown. */
const MAX_WIDTH = 200;

/** The findings as `docker build --check` prints them: a line of their number, then each with its address, message and lines. */
export function formatCheck(findings: readonly Finding[], file: CheckedFile): string {
  const count = findings.length;
  if (count === 0) return 'Check complete, no warnings found.\n';
  const lines = file.text.replace(/^\uFEFF/, '').split('\n');
  const head = `Check complete, ${count === 1 ? '1 warning has' : `${count} warnings have`} been found!\n`;
  const parts = findings.map(({ rule, message, range }) => {
    const title = `WARNING: ${rule.id}${rule.url === undefined ? '' : ` - ${rule.url}`}`;
    return `\n${title}\n${message}\n${formatLines(file.name, lines, range)}`;
  });
  return head + parts.join('');
}

/** `Rule: message (line 3)`. */
export function formatFinding({ rule, message, range }: Finding): string {
  return `${rule.id}: ${message} (line ${range.start.line})`;
}

export interface BuildProblem {
  readonly message: string;
  readonly line?: number | undefined;
}

/** The findings in the shape of `docker build --call check,format=json`. */
export function checkJson(
  findings: readonly Finding[],
  file: CheckedFile,
  problem: BuildProblem | undefined,
): object {
  const warnings = findings.map(({ rule, message, range }) => ({
    ruleName: rule.id,
    description: rule.summary,
    url: rule.url,
    detail: message,
    location: { ranges: [lineRange(range.start.line, lastLine(range))] },
  }));
  return {
    warnings,
    sources: [{ filename: file.name, data: base64(file.text), language: 'Dockerfile' }],
    ...(problem !== undefined && {
      buildError: {
        message: problem.message,
        location: problem.line === undefined ? {} : { ranges: [lineRange(problem.line, problem.line)] },
      },
    }),
  };
}

/** Lines as docker's JSON has them. */
export function lineRange(start: number, end: number): object {
  return { start: { line: start }, end: { line: end } };
}

/** Of the UTF-8 of a text. */
export function base64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let binary = '';
  // In pieces: a call takes a limited number of arguments.
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(binary);
}

/** The last line of a range: one that ends at the start of a line does not touch that line. */
export function lastLine({ start, end }: Range): number {
  return Math.max(start.line, end.column === 1 ? end.line - 1 : end.line);
}

function formatLines(name: string, lines: readonly string[], range: Range): string {
  const first = range.start.line;
  const last = Math.min(lastLine(range), lines.length);
  let from = first;
  let to = last;
  // docker's way of counting: lines are added on both sides in turns until so many turns are over.
  for (let turn = 0; turn < (first === last ? AROUND : AROUND / 2); turn++) {
    if (from > 1) {
      from--;
      turn++;
    }
    if (to !== lines.length) {
      to++;
      turn++;
    }
  }
  let out = `${name}:${first}\n${RULE_LINE}\n`;
  for (let number = from; number <= to; number++) {
    const line = (lines[number - 1] ?? '').replace(/\r$/, '');
    const shown = line.length > MAX_WIDTH ? `${line.slice(0, MAX_WIDTH)}…` : line;
    const mark = number >= first && number <= last ? '>>>' : '   ';
    out += ` ${String(number).padStart(3)} | ${mark} ${shown}\n`;
  }
  return `${out}${RULE_LINE}\n`;
}
