import type { CiFinding } from '../../app/explore-ci.ts';

/** Text that is whole characters: bytes of names that are no UTF-8 become U+FFFD. */
export const wholeCharacters = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');

/** A place in a source file. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
}

/** Where a finding is mended: the line of the instruction that stores the bytes, else of the one that hides them. */
export function placeOf({ layer, hiddenBy }: CiFinding): SourcePlace | undefined {
  for (const each of [layer, hiddenBy])
    if (each?.file !== undefined && each.line !== undefined) return { file: each.file, line: each.line };
  return undefined;
}
