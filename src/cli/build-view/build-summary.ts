import type { App } from '../../app/app.ts';
import type { Built } from '../../app/build.ts';
import { imageSummary } from '../../app/image-summary.ts';
import { imageId } from '../../image/image-id.ts';
import { familiarName, parseReference } from '../../oci/reference.ts';
import type { Paint } from '../colour.ts';
import { formatDuration, formatSize, shortId } from '../units.ts';
import { stepLabels } from './step-label.ts';

/** The end of a build: what ran and why, size, hidden bytes, where to look next. With `explain` every step has its line. */
export async function buildSummary(
  app: App,
  built: Built,
  milliseconds: number,
  explain: boolean,
  paint: Paint,
): Promise<string> {
  const labels = stepLabels(built.graph);
  const ran = built.steps.filter(({ cached }) => !cached);
  const name =
    built.names.map((full) => familiarName(parseReference(full))).join(', ') || shortId(imageId(built.image));
  const lines = [
    '',
    `${paint('strong', `Built ${name}`)} in ${formatDuration(milliseconds)}: ${ran.length} of ${built.steps.length} steps ran, ${built.steps.length - ran.length} cached`,
  ];
  for (const { step, cached, why, savedMs } of built.steps) {
    const label = labels.get(step)?.text ?? step;
    if (!cached && (explain || why.length > 0))
      lines.push(`  ${paint('changed', '~')} ${label}: ${why.join('; ') || 'seen for the first time'}`);
    else if (cached && explain) {
      const saved = savedMs >= 100 ? `, saved ${formatDuration(savedMs)}` : '';
      lines.push(`  ${paint('quiet', '=')} ${label}: cached, nothing it depends on has changed${saved}`);
    }
  }
  const { size, hidden, layers } = await imageSummary(app, built.image);
  const hiddenText = hidden === 0 ? 'nothing hidden' : `${formatSize(hidden)} hidden`;
  lines.push(
    `${imageId(built.image)}  ${formatSize(size)} in ${layers} layer${layers === 1 ? '' : 's'}, ${hiddenText}`,
  );
  const shown =
    built.names.length > 0 ? familiarName(parseReference(built.names[0]!)) : shortId(imageId(built.image));
  lines.push(paint('quiet', `look inside: dobos explore ${shown}`));
  return `${lines.join('\n')}\n`;
}
