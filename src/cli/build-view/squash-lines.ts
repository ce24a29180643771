import type { BuildSquash } from '../../build/squash-build.ts';
import { formatSize } from '../units.ts';

/** What a squash saved, and what it lost; `platform` begins the line where several were built. */
export function squashLines(squash: BuildSquash, platform?: string): string[] {
  const { what, layers, baseLayers, report } = squash;
  const line = (text: string): string => (platform === undefined ? text : `${platform}: ${text}`);
  if (report === undefined) {
    const has = what === 'new' ? 'this build adds' : 'the image has';
    return [line(`nothing to squash: ${has} ${layers === 0 ? 'no layer' : 'one layer'}`)];
  }
  const { into, before, after } = report;
  const done = `squashed ${layers} layers into ${into === 0 ? 'none' : into}`;
  const lost = baseLayers === 0 ? [] : [line('no layer is shared with the base any more')];
  return [line(`${done}: ${saving(before, after)}`), ...lost];
}

function saving(before: number, after: number): string {
  const sizes = `${formatSize(before)} became ${formatSize(after)}`;
  if (after < before) return `${sizes}, ${formatSize(before - after)} of hidden files gone`;
  if (after > before) return `${sizes}, as files that lost their name in the base are in it now`;
  return `nothing to save, ${formatSize(after)} as before`;
}
