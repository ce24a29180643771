import { safeText } from './build-view/safe-text.ts';

/** docker's table: columns padded to their widest cell and three blanks (or so many as given) apart, last column unpadded. Cells come from anywhere: what a terminal would obey is left out. */
export function formatTable(table: readonly (readonly string[])[], apart = 3): string {
  const rows = table.map((row) => row.map(safeText));
  const widths: number[] = [];
  for (const row of rows)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows
    .map(
      (row) =>
        `${row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at]! + apart))).join('')}\n`,
    )
    .join('');
}
