import type { Exploration, ExploredLayer } from '../explore/types.ts';
import { safeText } from './build-view/safe-text.ts';
import type { Paint } from './colour.ts';
import { formatSize } from './units.ts';

/** Hidden files listed in the report; JSON has all. */
const HIDDEN_SHOWN = 10;
const BAR_WIDTH = 24;

/** The layer cake as text, top of the image on top: sizes, what changed, and what is shipped but not visible. */
export function exploreReport(name: string, report: Exploration, paint: Paint, columns: number): string {
  const { os = '?', architecture = '?', id } = report.image;
  const lines = [
    `${paint('strong', name)}  ${os}/${architecture}  ${id.slice(0, 19)}`,
    efficiencySentence(report),
    '',
    ...cakeLines(report, paint, columns),
    ...hiddenLines(report, paint),
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
  const head = `${'layer'.padStart(5)}  ${''.padEnd(BAR_WIDTH)}  ${'size'.padStart(9)}  ${'hidden'.padStart(9)}  ${'+'.padStart(6)} ${'~'.padStart(6)} ${'-'.padStart(6)}  made by`;
  const rows = [...report.layers].reverse().map((layer) => {
    const facts = `${String(layer.number).padStart(5)}  ${bar(layer, most, paint)}  ${formatSize(layer.fileBytes).padStart(9)}  ${hiddenCell(layer, paint)}  ${changeCells(layer, paint)}  `;
    const room = Math.max(20, columns - (5 + 2 + BAR_WIDTH + 2 + 9 + 2 + 9 + 2 + 20 + 2));
    return facts + shorten(madeBy(layer), room);
  });
  return [paint('quiet', head), ...rows];
}

/** Length by the logarithm of the size, so that small layers can be seen; the hidden part hatched. */
function bar({ fileBytes, hiddenBytes }: ExploredLayer, most: number, paint: Paint): string {
  if (fileBytes === 0) return '▏'.padEnd(BAR_WIDTH);
  const length = Math.max(1, Math.round((BAR_WIDTH * Math.log(fileBytes + 1)) / Math.log(most + 1)));
  const hidden = hiddenBytes === 0 ? 0 : Math.max(1, Math.round((length * hiddenBytes) / fileBytes));
  return (
    paint('accent', '█'.repeat(length - hidden)) +
    paint('hidden', '░'.repeat(hidden)) +
    ' '.repeat(BAR_WIDTH - length)
  );
}

const hiddenCell = ({ hiddenBytes }: ExploredLayer, paint: Paint): string =>
  hiddenBytes === 0 ? '—'.padStart(9) : paint('changed', `◌ ${formatSize(hiddenBytes)}`.padStart(9));

const changeCells = ({ added, changed, removed }: ExploredLayer, paint: Paint): string =>
  [
    paint('added', String(added.paths).padStart(6)),
    paint('changed', String(changed.paths).padStart(6)),
    paint('removed', String(removed.paths).padStart(6)),
  ].join(' ');

const madeBy = ({ createdBy }: ExploredLayer): string =>
  createdBy === undefined || createdBy === ''
    ? '(no instruction tells of this layer)'
    : createdBy
        .replace(/^\/bin\/sh -c #\(nop\)\s*/, '')
        .replace(/ # buildkit$/, '')
        .replace(/\s*\n\s*/g, '↵');

function hiddenLines({ hiddenFiles, hidden }: Exploration, paint: Paint): string[] {
  if (hiddenFiles.length === 0) return [];
  const shown = hiddenFiles.slice(0, HIDDEN_SHOWN);
  const rest = hiddenFiles.length - shown.length;
  return [
    '',
    paint('quiet', `shipped but not visible: ${formatSize(hidden)} in ${count(hiddenFiles.length, 'file')}`),
    ...shown.map(
      ({ bytes, path, layer, hiddenBy }) =>
        `  ${formatSize(bytes).padStart(9)}  ◌ /${safeText(path)}  ${paint('quiet', hiddenBy === layer ? `layer ${layer} has it twice` : `in layer ${layer}, hidden by layer ${hiddenBy}`)}`,
    ),
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

const shorten = (text: string, width: number): string => {
  const safe = safeText(text);
  return safe.length > width ? `${safe.slice(0, width - 1)}…` : safe;
};

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
