import { editDistance } from '../base/edit-distance.ts';

/** Tags offered for one that is not there. */
const MAX_OFFERED = 3;
/** Tags compared. */
const MAX_COMPARED = 2000;

/** Up to three of `tags` that are nearest to `wanted`: one that begins with the other first, then by letters to change. */
export function nearestTags(tags: readonly string[], wanted: string): string[] {
  return tags
    .slice(0, MAX_COMPARED)
    .map((tag) => ({ tag, distance: distance(tag, wanted) }))
    .sort((a, b) => a.distance - b.distance || (a.tag < b.tag ? -1 : 1))
    .slice(0, MAX_OFFERED)
    .map(({ tag }) => tag);
}

function distance(a: string, b: string): number {
  if (a.startsWith(b) || b.startsWith(a)) return Math.abs(a.length - b.length) / 1000;
  return editDistance(a, b);
}
