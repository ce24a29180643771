import type { Exploration, ExploredLayer } from '../explore/types.ts';
import { safeText } from './build-view/safe-text.ts';
import type { Paint } from './colour.ts';
import { formatSize } from './units.ts';

/** Hidden files listed in the report; JSON has all. */
const HIDDEN_SHOWN = 10;
/** Columns of a row without the bar and the instruction: number, size, hidden bytes, and the blanks between. */
const FIXED_COLUMNS = 5 + 2 + 2 + 9 + 2 + 10 + 2;
const COUNT_COLUMNS = 3 * 6 + 2 + 2;
/** Below this the counts of changed paths give way to the instruction. */
const COUNTS_FROM = 76;
/** Columns that the instruction gets before the bar grows. */
const MADE_BY_COLUMNS = 32;

/** The layer cake as text, top of the image on top: sizes, what changed, and what is shipped but not visible. */
export function exploreReport(name: string, report: Exploration, paint: Paint, columns: number): string {
  const { os = '?', architecture = '?', id } = report.image;
  const lines = [
    `${paint('strong', name)}  ${os}/${architecture}  ${id.slice(0, 19)}`,
    efficiencySentence(report),
    '',
    ...cakeLines(report, paint, columns),
    ...hiddenLines(report, paint, columns),
    ...warningLines(report, paint),
  ];
  return `${lines.join('\n')}\n`;
}

/** `93 % of what is shipped is visible; 41.2 MB in 3 layers can go`. */
export function efficiencySentence({ efficiency, hidden, layers, total }: Exploration): string {
  if (total === 0) return 'no files at all';
  if (hidden === 0)
    return `everything that is shipped is visible: ${formatSize(total)} in ${count(layers.length, 'layer')}`;
  const storing = layers.filter(({ hiddenBytes }) => hiddenBytes > 0).length;
  const percent = Math.floor(efficiency * 1000) / 10;
  return `${percent} % of what is shipped is visible; ${formatSize(hidden)} in ${count(storing, 'layer')} can go`;
}

function cakeLines(report: Exploration, paint: Paint, columns: number): string[] {
  const most = Math.max(1, ...report.layers.map(({ fileBytes }) => fileBytes));
  const counts = columns >= COUNTS_FROM;
  // The last column stays empty: some terminals wrap a line that fills it.
  const free = columns - 1 - FIXED_COLUMNS - (counts ? COUNT_COLUMNS : 0);
  const barWidth = Math.min(24, Math.max(6, free - MADE_BY_COLUMNS));
  const room = Math.max(8, free - barWidth);
  const countHead = counts ? `${'+'.padStart(6)} ${'~'.padStart(6)} ${'-'.padStart(6)}  ` : '';
  const head = `layer  ${''.padEnd(barWidth)}  ${'size'.padStart(9)}  ${'hidden'.padStart(10)}  ${countHead}made by`;
  const rows = [...report.layers].reverse().map((layer) => {
    const cells = [
      String(layer.number).padStart(5),
      bar(layer, most, barWidth, paint),
      formatSize(layer.fileBytes).padStart(9),
      hiddenCell(layer, paint),
      ...(counts ? [changeCells(layer, paint)] : []),
      shorten(madeBy(layer, report), room),
    ];
    return cells.join('  ');
  });
  return [paint('quiet', head), ...rows];
}

/** Length by the logarithm of the size, so that small layers can be seen; the hidden part hatched. */
function bar({ fileBytes, hiddenBytes }: ExploredLayer, most: number, width: number, paint: Paint): string {
  if (fileBytes === 0) return '▏'.padEnd(width);
  const length = Math.max(1, Math.round((width * Math.log(fileBytes + 1)) / Math.log(most + 1)));
  const hidden = hiddenBytes === 0 ? 0 : Math.max(1, Math.round((length * hiddenBytes) / fileBytes));
  return (
    paint('accent', '█'.repeat(length - hidden)) +
    paint('hidden', '░'.repeat(hidden)) +
    ' '.repeat(width - length)
  );
}

const hiddenCell = ({ hiddenBytes }: ExploredLayer, paint: Paint): string =>
  hiddenBytes === 0 ? '—'.padStart(10) : paint('changed', `◌ ${formatSize(hiddenBytes)}`.padStart(10));

const changeCells = ({ added, changed, removed }: ExploredLayer, paint: Paint): string =>
  [
    paint('added', String(added.paths).padStart(6)),
    paint('changed', String(changed.paths).padStart(6)),
    paint('removed', String(removed.paths).padStart(6)),
  ].join(' ');

/** The instruction, else what the row says of itself. */
function madeBy({ createdBy, history }: ExploredLayer, report: Exploration): string {
  const row = history === undefined ? undefined : report.history[history];
  const text = createdBy || row?.comment || '';
  if (text === '') return '(no instruction tells of this layer)';
  return text
    .replace(/^\/bin\/sh -c #\(nop\)\s*/, '')
    .replace(/ # buildkit$/, '')
    .replace(/^RUN (?:\|\d+ (?:\S+=\S* )+)?\/bin\/sh -c /, 'RUN ')
    .replace(/\s*\n\s*/g, '↵');
}

function hiddenLines({ hiddenFiles, hidden }: Exploration, paint: Paint, columns: number): string[] {
  if (hiddenFiles.length === 0) return [];
  const shown = hiddenFiles.slice(0, HIDDEN_SHOWN);
  const rest = hiddenFiles.length - shown.length;
  return [
    '',
    paint('quiet', `shipped but not visible: ${formatSize(hidden)} in ${count(hiddenFiles.length, 'file')}`),
    ...shown.map(({ bytes, path, layer, hiddenBy }) => {
      const why =
        hiddenBy === layer ? `layer ${layer} has it twice` : `in layer ${layer}, hidden by layer ${hiddenBy}`;
      const shownPath = shortenPath(`/${safeText(path)}`, columns - 1 - 15 - 2 - why.length);
      return `  ${formatSize(bytes).padStart(9)}  ◌ ${shownPath}  ${paint('quiet', why)}`;
    }),
    ...(rest > 0 ? [paint('quiet', `  … and ${rest} more: --json - lists them all`)] : []),
  ];
}

function warningLines({ warnings }: Exploration, paint: Paint): string[] {
  if (warnings.length === 0) return [];
  const shown = warnings
    .slice(0, HIDDEN_SHOWN)
    .map(({ message }) => `${paint('changed', 'warning:')} ${safeText(message)}`);
  return [
    '',
    ...shown,
    ...(warnings.length > shown.length ? [`… and ${warnings.length - shown.length} more warnings`] : []),
  ];
}

/** The end of a path tells more than its beginning. */
const shortenPath = (path: string, width: number): string => {
  const room = Math.max(8, width);
  return path.length > room ? `…${path.slice(-(room - 1))}` : path;
};

const shorten = (text: string, width: number): string => {
  const safe = safeText(text);
  return safe.length > width ? `${safe.slice(0, width - 1)}…` : safe;
};

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
