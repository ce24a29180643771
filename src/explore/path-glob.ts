import { compileGlob, type Glob } from '../dockerfile/glob.ts';

/**
 * Whether paths match a pattern; undefined for a malformed one. Without a slash it is matched against the last component, as `find -name` does, otherwise
 * against the whole path; `*` and `?` stop at slashes, `**` stands for any number of directories. Cost: at most components × components of the pattern.
 */
export function compilePathGlob(pattern: string): ((path: string) => boolean) | undefined {
  const parts = pattern.split('/').filter((part) => part !== '');
  const globs: (Glob | '**')[] = [];
  for (const part of parts) {
    const glob = part === '**' ? '**' : compileGlob(part);
    if (glob === undefined) return undefined;
    if (glob !== '**' || globs.at(-1) !== '**') globs.push(glob);
  }
  const [only] = globs;
  if (only === undefined) return undefined;
  if (!pattern.includes('/') && only !== '**')
    return (path) => only.matches(path.slice(path.lastIndexOf('/') + 1));
  return (path) => matchParts(globs, path.split('/'));
}

function matchParts(globs: readonly (Glob | '**')[], parts: readonly string[]): boolean {
  /** Which beginnings of the pattern match the parts so far. */
  let reached = new Uint8Array(globs.length + 1);
  reached[0] = 1;
  const skipStars = (): void => {
    for (const [at, glob] of globs.entries()) if (reached[at] === 1 && glob === '**') reached[at + 1] = 1;
  };
  skipStars();
  for (const part of parts) {
    const next = new Uint8Array(globs.length + 1);
    for (const [at, glob] of globs.entries()) {
      if (reached[at] === 0) continue;
      if (glob === '**') next[at] = 1;
      else if (glob.matches(part)) next[at + 1] = 1;
    }
    reached = next;
    skipStars();
  }
  return reached[globs.length] === 1;
}
