import type { RegistryNotice } from '../app/open-registry.ts';
import { never } from '../base/errors.ts';
import { safeText } from './build-view/safe-text.ts';

/** One line about what went on at a registry, for standard error. */
export function formatNotice(notice: RegistryNotice): string {
  return `${safeText(words(notice))}\n`;
}

function words(notice: RegistryNotice): string {
  switch (notice.kind) {
    case 'retry':
      return `dobos: ${hostOf(notice.url)}: ${notice.why}, trying again in ${seconds(notice.waitMs)}`;
    case 'warning':
      return `dobos: ${notice.host} warns: ${notice.text}`;
    case 'mirror-failed':
      return `dobos: mirror ${notice.mirror} left out: ${notice.why}`;
    case 'resumed':
      return `dobos: ${notice.digest.slice(7, 19)}: ${notice.why}, going on at ${notice.offset} bytes`;
    default:
      return never(notice);
  }
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : url);
const seconds = (ms: number): string => `${Math.max(0.1, Math.round(ms / 100) / 10)} s`;
