import { editDistance } from '../base/edit-distance.ts';

/** Names offered for one that is unknown. */
const MAX_OFFERED = 2;
/** Names compared; more would make a mistyped name slow in a large store. */
const MAX_COMPARED = 2000;

/** Up to two of `names` that `wanted` was probably meant to be: equal but for the tag, or a few letters away. */
export function nearestNames(names: Iterable<string>, wanted: string): string[] {
  const limit = Math.max(1, Math.floor(lastPart(wanted).length / 4));
  const scored: { name: string; distance: number }[] = [];
  let compared = 0;
  for (const name of names) {
    if (++compared > MAX_COMPARED) break;
    const sameRepository = withoutTag(lastPart(name)) === withoutTag(lastPart(wanted));
    const distance = sameRepository ? 0 : distanceWithin(lastPart(name), lastPart(wanted), limit);
    if (distance <= limit) scored.push({ name, distance });
  }
  scored.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return scored.slice(0, MAX_OFFERED).map(({ name }) => name);
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

function withoutTag(part: string): string {
  return part.replace(/[:@].*$/, '');
}

/** The distance, or `limit + 1` when it is more than `limit`: names are long, and most are told apart by their length. */
function distanceWithin(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  return Math.min(editDistance(a, b), limit + 1);
}
