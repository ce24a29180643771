import type { Template } from './ast.ts';
import { runTemplate } from './run-template.ts';

/** Blanks between columns, and the least width of one, as docker's tables have them. */
const GAP = 3;
const MIN_WIDTH = 10;

/** A list by a template: with `table` in front a heading (made by running the template over the headings) and aligned columns, else a line per row. `\t` and `\n` written out in the template count as such, as docker does for lists. */
export function runTable(
  template: Template,
  rows: readonly unknown[],
  headings: Readonly<Record<string, string>>,
): string {
  const lines = rows.map((row) => runTemplate(template, row));
  if (!template.table) return lines.map((line) => `${line}\n`).join('');
  return align([runTemplate(template, headings), ...lines]);
}

/** The format with `\t` and `\n` as the characters they stand for; for lists only. */
export function unescapeListFormat(text: string): string {
  return text.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
}

function align(lines: readonly string[]): string {
  const rows = lines.map((line) => line.split('\t'));
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? MIN_WIDTH, [...cell].length + GAP);
    });
  }
  const pad = (cell: string, width: number) => cell + ' '.repeat(width - [...cell].length);
  return rows
    .map((row) => `${row.map((cell, i) => (i === row.length - 1 ? cell : pad(cell, widths[i]!))).join('')}\n`)
    .join('');
}
