import type { PullNotice } from '../../app/pull.ts';
import type { Pulled } from '../../image/pull-image.ts';
import { familiarName, parseReference } from '../../oci/reference.ts';
import { safeText } from '../build-view/safe-text.ts';
import { formatDuration } from '../units.ts';

/** docker's words for what has happened to a layer. */
export const LAYER_WORDS = {
  present: 'Already exists',
  waiting: 'Pulling fs layer',
  verifying: 'Verifying Checksum',
  fetched: 'Download complete',
  stored: 'Pull complete',
} as const;

/** `latest: Pulling from library/debian`; a digest stands behind its whole name, as docker has it. */
export function headerLine(name: string): string {
  const { repository, tag } = parseReference(name);
  return `${tag ?? name}: Pulling from ${repository}`;
}

/** `Unable to find image 'debian:latest' locally`. */
export const missingLine = (name: string): string =>
  `Unable to find image '${familiarName(parseReference(name))}' locally`;

/** docker's last two lines of a pull. */
export function endLines({ name, target, status }: Pulled): readonly [digest: string, status: string] {
  const word = status === 'downloaded' ? 'Downloaded newer image' : 'Image is up to date';
  return [`Digest: ${target.digest}`, `Status: ${word} for ${familiarName(parseReference(name))}`];
}

/** One line for what the registry's client has to say; undefined for what is no news to people. */
export function noticeLine(notice: PullNotice): string | undefined {
  switch (notice.kind) {
    case 'retry':
      return `${hostOf(notice.url)}: ${safeText(notice.why)}; trying again in ${formatDuration(notice.waitMs)}`;
    case 'warning':
      return `warning: ${notice.host}: ${safeText(notice.text)}`;
    case 'mirror-failed':
      return `mirror ${notice.mirror} failed: ${safeText(notice.why)}`;
    case 'kept':
      return `warning: ${notice.name} of the store is used, for a newer one could not be asked for: ${safeText(notice.why)}`;
    default:
      return undefined;
  }
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return 'registry';
  }
}
