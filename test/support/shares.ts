/** `1/2` in DOBOS_SHARE: of the rounds of a test at random moments the first half are for this run, and of tests that are the same for two people one person's. CI gives a half to each of its two Nodes. */
const [share = 1, shares = 1] = (process.env.DOBOS_SHARE ?? '1/1').split('/').map(Number);

/** The rounds of `all` that are for this run, from `first` up to but not including `end`: those of all shares are all rounds, each once. `seed` is for the moments of these ones. */
export function shareOf(
  all: number,
  seed: number,
): { readonly first: number; readonly end: number; readonly seed: number } {
  const first = Math.floor((all * (share - 1)) / shares);
  return { first, end: Math.floor((all * share) / shares), seed: seed + 104_729 * first };
}

/** Whether the one of this number is for this run: each is for one share. */
export const isOfShare = (number: number): boolean => number % shares === share - 1;
