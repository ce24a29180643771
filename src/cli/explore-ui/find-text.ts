/** True for paths (with a leading slash) that somebody asked for. */
export type PathTest = (path: string) => boolean;

/** Longest text that is looked for; dive's own limit. */
export const MAX_WANTED = 200;

/**
 * The test that a typed text means. A regular expression if it has signs of one (`^ $ | ( ) \ + { }`, `.*`, `[…]`), else a pattern of shells if it has `*` or
 * `?`, else any path that contains it; without regard to case unless it has a capital letter. Undefined for nothing; a text if it is no valid expression.
 */
export function pathTest(wanted: string): PathTest | string | undefined {
  if (wanted === '') return undefined;
  const exact = /\p{Lu}/u.test(wanted);
  const flags = exact ? 'u' : 'iu';
  if (/[\^$|()\\+{}]|\.[*?]|\[[^\]]*\]/.test(wanted)) {
    try {
      const expression = new RegExp(wanted, flags);
      return (path) => expression.test(path);
    } catch {
      return 'not a regular expression';
    }
  }
  if (/[*?]/.test(wanted)) {
    const expression = new RegExp(globSource(wanted), flags);
    return (path) => expression.test(path);
  }
  if (exact) return (path) => path.includes(wanted);
  const lower = wanted.toLowerCase();
  return (path) => path.includes(lower) || path.toLowerCase().includes(lower);
}

/** `*` stays in a name, `**` does not; a pattern without a leading slash may begin at any name. */
function globSource(glob: string): string {
  const body = glob.replace(/\*\*|[*?]|[^*?]+/g, (part) => {
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    return part.replace(/[.\-/[\]]/g, (sign) => (sign === '/' || sign === '-' ? sign : `\\${sign}`));
  });
  return glob.startsWith('/') ? `^${body}$` : `/${body}$`;
}
