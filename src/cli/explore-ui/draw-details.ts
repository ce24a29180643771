import type { Exploration, ExploredLayer, HiddenFile, PathCount } from '../../explore/types.ts';
import type { TreeNode } from '../../layer/directory-node.ts';
import { findNode, treeParts } from '../../layer/file-tree.ts';
import { madeBy } from '../explore-report.ts';
import { formatSize } from '../units.ts';
import { BOLD, type Box, type Canvas, DIM, PLAIN, put, styleOf } from './canvas.ts';
import { changeOf, inodeOfRow, type Row } from './comparison.ts';
import { endOf, wrapText } from './glyphs.ts';
import { hiddenAt } from './hidden-below.ts';
import { modeText } from './mode-text.ts';
import type { State, Subject } from './state.ts';

/** A line of the details; a blank one is left out where there is no room. */
type Line = readonly [text: string, style: number];

/** What is selected, in words: a layer, or a file with its way through the layers. */
export function drawDetails(s: State, canvas: Canvas, box: Box): void {
  const width = box.columns - 2;
  const ofFile = s.pane === 'tree' && s.cursor !== undefined;
  const lines = ofFile ? fileLines(s, s.cursor!, width) : layerLines(s, width, box.rows);
  for (const [y, [text, style]] of lines.slice(0, box.rows).entries())
    put(canvas, box.x + 1, box.y + y, text, style, width);
}

function layerLines(s: State, width: number, rows: number): Line[] {
  const { report } = s.subject;
  const layer = report.layers[s.layer];
  if (layer === undefined) return [['an image without layers', DIM]];
  const history = layer.history === undefined ? undefined : report.history[layer.history];
  const text = wrapText(madeBy(layer, report), width, Math.max(1, Math.min(6, rows - 8)));
  return [
    ...text.map((line): Line => [line, BOLD]),
    ...(layer.place === undefined ? [] : [[`${layer.place.file}, line ${layer.place.line}`, DIM] as Line]),
    ...baseLine(report, layer),
    [layer.diffId.slice(0, 19), DIM],
    ...(history?.created === undefined
      ? []
      : [[`made ${history.created.slice(0, 16).replace('T', ' ')}`, DIM] as Line]),
    [
      `${formatSize(layer.fileBytes)} in ${layer.entries} ${layer.entries === 1 ? 'entry' : 'entries'}`,
      PLAIN,
    ],
    [storedWords(layer), DIM],
    ...changeLines(layer),
    ...hiddenLines(s, layer, width),
  ];
}

/** The image that the layer comes from, if it is not this one. */
function baseLine({ levels }: Exploration, { level }: ExploredLayer): Line[] {
  const base = levels[level];
  if (base === undefined || level === levels.length - 1) return [];
  return [[`▁ of the base ${base.names[0] ?? 'image'}`, PLAIN]];
}

const storedWords = ({ storedBytes, tarBytes }: ExploredLayer): string =>
  storedBytes === tarBytes ? `${formatSize(tarBytes)} as a tar` : `${formatSize(storedBytes)} compressed`;

function changeLines({ added, changed, copied, removed }: ExploredLayer): Line[] {
  const line = (mark: string, { paths, bytes }: PathCount, word: string, style: number): Line[] =>
    paths === 0 ? [] : [[`${mark} ${paths} ${word}${bytes === 0 ? '' : `, ${formatSize(bytes)}`}`, style]];
  return [
    ...line('+', added, 'added', styleOf('added')),
    ...line('~', changed, 'changed', styleOf('changed')),
    ...line('m', copied, 'of these with the same bytes', styleOf('metadata')),
    ...line('-', removed, 'removed', styleOf('removed')),
  ];
}

/** What it stores for nobody, the largest first, and what it hides. */
function hiddenLines({ subject }: State, layer: ExploredLayer, width: number): Line[] {
  const { hiddenFiles } = subject.report;
  const lines: Line[] = [];
  if (layer.hidesBytes > 0) lines.push([`hides ${formatSize(layer.hidesBytes)}`, styleOf('changed')]);
  if (layer.hiddenFiles === 0) return lines;
  const files = layer.hiddenFiles === 1 ? 'file' : 'files';
  lines.push([
    `◌ ${formatSize(layer.hiddenBytes)} in ${layer.hiddenFiles} ${files} nobody sees`,
    styleOf('changed'),
  ]);
  for (const file of hiddenFiles) {
    if (file.layer !== layer.number) continue;
    const why = file.hiddenBy === layer.number ? 'twice' : `by ${file.hiddenBy}`;
    const size = formatSize(file.bytes).padStart(8);
    const path = endOf(`/${file.path}`, Math.max(8, width - size.length - 2 - why.length - 1));
    lines.push([`${size} ${path} ${why}`, PLAIN]);
    // As many as any screen shows.
    if (lines.length > 100) break;
  }
  return lines;
}

function fileLines(s: State, row: Row, width: number): Line[] {
  const inode = inodeOfRow(s.view.comparison, row);
  const path = wrapText(`/${row.path}`, width, 4).map((line): Line => [line, BOLD]);
  if (inode === undefined) {
    const facts = row.ghost === undefined ? [] : ghostLines(row.ghost);
    return [...path, ...facts, ...historyLines(s.subject, row, width)];
  }
  const seconds = inode.mtime.seconds * 1000;
  const time = Math.abs(seconds) > 8.64e15 ? `${inode.mtime.seconds} s` : timeText(new Date(seconds));
  const xattrs = [...(inode.xattrs?.keys() ?? [])];
  return [
    ...path,
    [`${modeText(inode.kind, inode.mode)}  ${inode.uid}:${inode.gid}`, PLAIN],
    ...(inode.kind === 'file' ? [[exactSize(inode.size), PLAIN] as Line] : []),
    ...(inode.linkTo === undefined ? [] : [[`→ ${inode.linkTo}`, PLAIN] as Line]),
    ...(inode.device === undefined
      ? []
      : [[`device ${inode.device.major}, ${inode.device.minor}`, PLAIN] as Line]),
    [`of ${time}`, DIM],
    ...(inode.contentDigest === undefined ? [] : [[inode.contentDigest.slice(0, 19), DIM] as Line]),
    ...xattrs.slice(0, 4).map((name): Line => [`xattr ${name}`, DIM]),
    ...historyLines(s.subject, row, width),
  ];
}

const HOWS = {
  removed: 'removed by layer',
  replaced: 'replaced by layer',
  copied: 'copied without a change by layer',
  twice: 'overwritten by the same layer',
} as const;

/** An old version: where it is, and what became of it. */
const ghostLines = ({ bytes, layer, hiddenBy, how }: HiddenFile): Line[] => [
  [exactSize(bytes), PLAIN],
  [`stored in layer ${layer}`, PLAIN],
  [how === 'twice' ? HOWS.twice : `${HOWS[how]} ${hiddenBy}`, styleOf('changed')],
];

const timeText = (date: Date): string => date.toISOString().slice(0, 16).replace('T', ' ');

const exactSize = (size: number): string =>
  size < 1000 ? `${size} bytes` : `${formatSize(size)}, ${size.toLocaleString('en-US')} bytes`;

const WORDS = {
  same: '',
  added: '+ added',
  removed: '- removed',
  changed: '~ changed',
  metadata: 'm metadata changed',
  rewritten: '= written again as it was',
  hidden: '',
} as const;

/** What each layer did to this path. */
function historyLines(subject: Subject, row: Row, width: number): Line[] {
  const lines: Line[] = [];
  let before: TreeNode | undefined;
  const versions = hiddenAt(subject.hidden, row.path);
  for (const [layer, tree] of subject.trees.entries()) {
    const { root } = treeParts(tree);
    const after = findNode(root, row.path);
    const change =
      before === undefined && after === undefined ? 'same' : changeOf(subject.numbers, before, after);
    before = after;
    if (change === 'same') continue;
    const hidden = versions.find((version) => version.layer === layer);
    const stored =
      hidden === undefined ? '' : `  ◌ ${formatSize(hidden.bytes)}, hidden by ${hidden.hiddenBy}`;
    const style = change === 'rewritten' || change === 'hidden' ? 'metadata' : change;
    lines.push([`${layer} ${WORDS[change]}${stored}`, styleOf(style)]);
  }
  if (lines.length === 0) return [];
  const head = 'its way through the layers';
  return [[head.length > width ? 'layers' : head, DIM], ...lines];
}
