import { editDistance } from '../base/edit-distance.ts';

/** Candidates and words longer than this are not compared: the cost is their product. */
const MAX_COMPARED = 64;

/** The candidate that `word` was probably meant to be: the closest in edits, case aside, at most a third of its length away (rounded up; none for a single letter). A word that only stops early is one edit away. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > MAX_COMPARED) return undefined;
  let best: string | undefined;
  const wanted = word.toLowerCase();
  let bestDistance = word.length < 2 ? 1 : Math.ceil(word.length / 3) + 1;
  for (const candidate of candidates) {
    if (candidate.length > MAX_COMPARED || candidate === word) continue;
    const known = candidate.toLowerCase();
    const stopsEarly = wanted.length >= 3 && known.startsWith(wanted);
    const distance = stopsEarly ? 1 : editDistance(wanted, known);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
