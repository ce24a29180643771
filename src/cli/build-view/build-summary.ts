import type { App } from '../../app/app.ts';
import type { Built } from '../../app/build.ts';
import { type ImageSummary, imageSummary } from '../../app/image-summary.ts';
import { imageId } from '../../image/image-id.ts';
import { formatPlatform } from '../../oci/platform.ts';
import { familiarName, parseReference } from '../../oci/reference.ts';
import type { Paint } from '../colour.ts';
import { formatDuration, formatSize, shortId } from '../units.ts';
import { squashLines } from './squash-lines.ts';
import { stepLabels } from './step-label.ts';

export interface SummaryOptions {
  /** What the build took. */
  readonly milliseconds: number;
  /** A line for every step. */
  readonly explain: boolean;
  readonly paint: Paint;
  /** Of the terminal; undefined for logs, which keep whole ids and long lines. */
  readonly columns?: number | undefined;
}

/** The end of a build: what ran and why, size, hidden bytes, where to look next. */
export async function buildSummary(app: App, built: Built, o: SummaryOptions): Promise<string> {
  return formatSummary(built, built.kept ? await imageSummary(app, built.image) : undefined, o);
}

/** The text of `buildSummary`, of what is known. */
export function formatSummary(built: Built, image: ImageSummary | undefined, o: SummaryOptions): string {
  const { paint, columns } = o;
  const id = imageId(built.image);
  const [first] = built.names;
  const shown = first === undefined ? shortId(id) : familiar(first);
  const name = built.names.map(familiar).join(', ') || shortId(id);
  const steps = writtenSteps(built);
  const ran = steps.filter(({ cached }) => !cached).length;
  const counts = `${ran} of ${steps.length} steps ran, ${steps.length - ran} cached`;
  const lines = [
    '',
    `${paint('strong', `Built ${name}`)} in ${formatDuration(o.milliseconds)}: ${counts}`,
    ...reasonLines(built, o),
    ...squashedLines(built, columns),
    ...(image === undefined
      ? ['its steps are kept in the cache, the image is not: type=cacheonly']
      : [
          `${columns === undefined ? id : shortId(id)}  ${sizeText(image)}`,
          paint('quiet', `look inside: dobos explore ${shown}`),
        ]),
  ];
  return `${lines.join('\n')}\n`;
}

function sizeText({ size, layers, hidden }: ImageSummary): string {
  const unseen = hidden === 0 ? 'nothing hidden' : `${formatSize(hidden)} hidden`;
  return `${formatSize(size)} in ${layers} layer${layers === 1 ? '' : 's'}, ${unseen}`;
}

function squashedLines({ squashes, platforms }: Built, columns: number | undefined): string[] {
  const lines = squashes.flatMap((squash, at) =>
    squashLines(squash, platforms.length > 1 ? formatPlatform(platforms[at]!) : undefined),
  );
  return columns === undefined ? lines : lines.flatMap((line) => wrap(line, columns - 1));
}

/** The steps that a line of the Dockerfile stands for. */
function writtenSteps({ graph, steps }: Built): Built['steps'] {
  const implied = new Set(graph.steps.filter((step) => step.implied).map(({ id }) => id));
  return steps.filter(({ step }) => !implied.has(step));
}

function reasonLines(built: Built, { explain, paint, columns }: SummaryOptions): string[] {
  const labels = stepLabels(built.graph);
  return writtenSteps(built).flatMap(({ step, cached, why, savedMs }) => {
    const label = labels.get(step)?.text ?? step;
    if (cached) {
      if (!explain) return [];
      const saved = savedMs >= 100 ? `, saved ${formatDuration(savedMs)}` : '';
      return reason(paint('quiet', '='), label, `cached, nothing it depends on has changed${saved}`, columns);
    }
    if (!explain && (why.length === 0 || why.every((sentence) => FOLLOWS.test(sentence)))) return [];
    return reason(paint('changed', '~'), label, why.join('; ') || 'seen for the first time', columns);
  });
}

/** Said of the steps that only run because one above them did. */
const FOLLOWS = /^(?:the files of a step above changed|the cache is off)$/;

/** `  ~ LABEL: TEXT`; on a terminal the label is shortened, and a long text goes on below it. */
function reason(mark: string, label: string, text: string, columns: number | undefined): string[] {
  if (columns === undefined) return [`  ${mark} ${label}: ${text}`];
  const room = Math.max(20, columns - 1 - 4);
  const whole = `${label}: ${text}`;
  if (whole.length <= room) return [`  ${mark} ${whole}`];
  const short = label.length < room ? label : `${label.slice(0, room - 2)}…`;
  return [`  ${mark} ${short}:`, ...wrap(text, room - 2).map((line) => `      ${line}`)];
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

const familiar = (full: string): string => familiarName(parseReference(full));
