import type { ComparedFolder, ComparedPackage, ImageComparison } from '../explore/compare-images.ts';
import { safeText } from './build-view/safe-text.ts';
import type { Paint } from './colour.ts';
import { formatSize } from './units.ts';

/** Rows of each table; JSON has more. */
const ROWS_SHOWN = 15;

const signed = (bytes: number): string =>
  bytes === 0 ? '±0' : `${bytes > 0 ? '+' : '−'}${formatSize(Math.abs(bytes))}`;

const share = (before: number, after: number): string =>
  before === 0 || before === after
    ? ''
    : ` (${after >= before ? '+' : '−'}${((Math.abs(after - before) * 100) / before).toFixed(1)} %)`;

const MARKS = { added: '+', removed: '-', content: '~', metadata: 'm', type: '~' } as const;

/** Rows of numbers that both forms show. */
function sizeRows({ before, after }: ImageComparison): readonly (readonly [string, number, number])[] {
  const rows: (readonly [string, number, number])[] = [
    ['files that are shown', before.visible, after.visible],
    ['hidden in layers', before.hidden, after.hidden],
    ['as stored', before.storedBytes, after.storedBytes],
  ];
  if (before.compressedBytes !== undefined && after.compressedBytes !== undefined)
    rows.push(['compressed', before.compressedBytes, after.compressedBytes]);
  return rows;
}

function summary({ counts, commonLayers, before, after, same }: ImageComparison): string {
  const { added, removed, content, metadata, type, times } = counts;
  if (same) return `the same files${times.paths > 0 ? `, ${times.paths} of them with other times` : ''}`;
  const parts = [
    `${added.paths} added`,
    `${removed.paths} removed`,
    `${content.paths + type.paths} changed`,
    `${metadata.paths} in metadata only`,
    `${times.paths} in time only`,
  ];
  return `${parts.join(', ')}; ${commonLayers} of ${before.layers} and ${after.layers} layers are common`;
}

/** The comparison as text for a terminal or a log. */
export function compareText(comparison: ImageComparison, paint: Paint): string {
  const { before, after, folders, files, packages } = comparison;
  const lines = [
    `${paint('strong', safeText(before.name))} → ${paint('strong', safeText(after.name))}`,
    summary(comparison),
    '',
    ...sizeRows(comparison).map(
      ([what, a, b]) =>
        `${what.padEnd(22)} ${formatSize(a).padStart(9)} → ${formatSize(b).padStart(9)}  ${signed(b - a).padStart(10)}${share(a, b)}`,
    ),
  ];
  const shown = folders.slice(0, ROWS_SHOWN);
  if (shown.length > 0)
    lines.push('', paint('quiet', `${'change'.padStart(10)}  ${'paths'.padStart(6)}  directory`));
  for (const { path, delta, paths } of shown)
    lines.push(`${signed(delta).padStart(10)}  ${String(paths).padStart(6)}  /${safeText(path)}`);
  if (folders.length > shown.length)
    lines.push(paint('quiet', `… and ${folders.length - shown.length} more directories`));
  if (packages !== undefined && packages.length > 0) {
    lines.push('', paint('quiet', `${'change'.padStart(10)}  package`));
    for (const each of packages.slice(0, ROWS_SHOWN))
      lines.push(`${signed(each.delta).padStart(10)}  ${safeText(packageText(each))}`);
    if (packages.length > ROWS_SHOWN)
      lines.push(paint('quiet', `… and ${packages.length - ROWS_SHOWN} more packages`));
  }
  if (files.length > 0) lines.push('', paint('quiet', `${'change'.padStart(10)}  file`));
  for (const { path, change, before: a, after: b } of files.slice(0, ROWS_SHOWN))
    lines.push(`${signed(b - a).padStart(10)}  ${MARKS[change]} /${safeText(path)}`);
  const rest = files.length + comparison.left - Math.min(files.length, ROWS_SHOWN);
  if (rest > 0) lines.push(paint('quiet', `… and ${rest} more: --format json lists them`));
  return `${lines.join('\n')}\n`;
}

const packageText = ({ manager, name, before, after }: ComparedPackage): string =>
  `${name} ${before ?? '(none)'} → ${after ?? '(none)'}  ${manager}`;

/** The comparison as Markdown, for a comment on a change. */
export function compareMarkdown(comparison: ImageComparison): string {
  const { before, after, folders, files, packages } = comparison;
  const lines = [
    `### ${cell(before.name)} → ${cell(after.name)}`,
    '',
    `${summary(comparison)}.`,
    '',
    '| | before | after | change |',
    '|---|---:|---:|---:|',
    ...sizeRows(comparison).map(
      ([what, a, b]) => `| ${what} | ${formatSize(a)} | ${formatSize(b)} | ${signed(b - a)}${share(a, b)} |`,
    ),
  ];
  const table = (title: string, head: string, rows: readonly string[], all: number): void => {
    if (rows.length === 0) return;
    const more = all > rows.length ? `, the largest ${rows.length}` : '';
    lines.push(
      '',
      `<details><summary>${title}: ${all}${more}</summary>`,
      '',
      head,
      ...rows,
      '',
      '</details>',
    );
  };
  const byFolder = ({ path, before: a, after: b, delta, paths }: ComparedFolder): string =>
    `| ${cell(`/${path}`)} | ${formatSize(a)} | ${formatSize(b)} | ${signed(delta)} | ${paths} |`;
  table(
    'Directories',
    '| directory | before | after | change | paths |\n|---|---:|---:|---:|---:|',
    folders.slice(0, ROWS_SHOWN).map(byFolder),
    folders.length,
  );
  table(
    'Packages',
    '| package | before | after | change |\n|---|---|---|---:|',
    (packages ?? [])
      .slice(0, ROWS_SHOWN)
      .map(
        (each) =>
          `| ${cell(each.name)} (${each.manager}) | ${cell(each.before ?? '–')} | ${cell(each.after ?? '–')} | ${signed(each.delta)} |`,
      ),
    packages?.length ?? 0,
  );
  table(
    'Files',
    '| file | what | change |\n|---|---|---:|',
    files
      .slice(0, ROWS_SHOWN)
      .map(
        ({ path, change, before: a, after: b }) => `| ${cell(`/${path}`)} | ${change} | ${signed(b - a)} |`,
      ),
    files.length + comparison.left,
  );
  return `${lines.join('\n')}\n`;
}

/** A text of an image's in a cell: nothing of it is markup. */
function cell(text: string): string {
  const safe = safeText(text).replace(/[\\`*_{}[\]<>()#+!|~&@:-]/g, (each) => `&#${each.charCodeAt(0)};`);
  return safe === '' ? '(empty)' : safe;
}
