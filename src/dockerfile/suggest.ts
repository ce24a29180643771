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

/** Insertions, deletions, replacements and swaps of neighbours between two words. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, before[j - 2]! + 1);
      }
      row.push(cost);
    }
    before = above;
    above = row;
  }
  return above[b.length]!;
}
