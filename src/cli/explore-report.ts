import { instructionText } from '../explore/instruction.ts';
import type { Exploration, ExploredLayer } from '../explore/types.ts';
import { familiarName, parseReference } from '../oci/reference.ts';
import { safeText } from './build-view/safe-text.ts';
import type { Paint } from './colour.ts';
import { formatSize } from './units.ts';

/** Hidden files listed in the report; JSON has all. */
const HIDDEN_SHOWN = 10;
/** Columns of a row without the bar and the instruction: number, size, hidden bytes, and the blanks between. */
const FIXED_COLUMNS = 5 + 2 + 2 + 9 + 2 + 10 + 2;
const COUNT_COLUMNS = 3 * 6 + 2 + 2;
const LINE_COLUMNS = 4 + 2;
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
    ...levelLines(report, name, paint, columns),
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
  const lines = counts && report.dockerfile !== undefined;
  const free = columns - 1 - FIXED_COLUMNS - (counts ? COUNT_COLUMNS : 0) - (lines ? LINE_COLUMNS : 0);
  const barWidth = Math.min(24, Math.max(6, free - MADE_BY_COLUMNS));
  const room = Math.max(8, free - barWidth);
  const countHead = counts ? `${'+'.padStart(6)} ${'~'.padStart(6)} ${'-'.padStart(6)}  ` : '';
  const lineHead = lines ? 'line  ' : '';
  const head = `layer  ${''.padEnd(barWidth)}  ${'size'.padStart(9)}  ${'hidden'.padStart(10)}  ${countHead}${lineHead}made by`;
  const rows = [...report.layers].reverse().map((layer) => {
    const cells = [
      String(layer.number).padStart(5),
      bar(layer, most, barWidth, paint),
      formatSize(layer.fileBytes).padStart(9),
      hiddenCell(layer, paint),
      ...(counts ? [changeCells(layer, paint)] : []),
      ...(lines ? [String(layer.place?.line ?? '').padStart(4)] : []),
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

/** The instruction, else what the row says of itself; marked where no instruction explains the layer. */
export function madeBy({ history, origin, createdBy }: ExploredLayer, report: Exploration): string {
  const row = history === undefined ? undefined : report.history[history];
  const text = instructionText({ createdBy, comment: row?.comment });
  if (text === '') return '(no instruction tells of this layer)';
  if (origin === 'unexplained') return `? no instruction, a committed container? ${text}`;
  return text;
}

/** The images that it stands on, its own part on top; nothing for an image on its own. */
function levelLines({ levels }: Exploration, name: string, paint: Paint, columns: number): string[] {
  if (levels.length < 2) return [];
  const rows = [...levels].reverse().map((level) => {
    const { how, added, first, bytes } = level;
    const shown =
      how === 'image' ? name : level.names.map(shortName).join(', ') || '(a base without a name here)';
    const range = added === 0 ? '—' : added === 1 ? `${first}` : `${first}–${first + added - 1}`;
    const guess = how === 'history' ? paint('quiet', '  by its history') : '';
    const line = `${range.padStart(7)}  ${formatSize(bytes).padStart(9)}  ${how === 'image' ? '' : '▁ '}`;
    return `${line}${shorten(shown, Math.max(8, columns - 1 - line.length))}${guess}`;
  });
  return ['', paint('quiet', ` layers  ${'size'.padStart(9)}  image`), ...rows];
}

const shortName = (name: string): string => {
  try {
    return familiarName(parseReference(name));
  } catch {
    return name;
  }
};

function hiddenLines({ hiddenFiles, hidden }: Exploration, paint: Paint, columns: number): string[] {
  if (hiddenFiles.length === 0) return [];
  const shown = hiddenFiles.slice(0, HIDDEN_SHOWN);
  const rest = hiddenFiles.length - shown.length;
  return [
    '',
    paint('quiet', `shipped but not visible: ${formatSize(hidden)} in ${count(hiddenFiles.length, 'file')}`),
    ...shown.map(({ bytes, path, layer, hiddenBy, how }) => {
      const why =
        hiddenBy === layer
          ? `layer ${layer} has it twice`
          : `in layer ${layer}, ${how === 'copied' ? 'the same bytes again in' : 'hidden by'} layer ${hiddenBy}`;
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

export const shorten = (text: string, width: number): string => {
  const safe = safeText(text);
  return safe.length > width ? `${safe.slice(0, width - 1)}…` : safe;
};

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
