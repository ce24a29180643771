import { buildError } from './errors.ts';

/** The mode that a file gets. */
export type ChangeMode = (mode: number, directory: boolean) => number;

const WHO: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };
const CLAUSE = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/;
const ACTION = /([-+=])([rwxXst]*|[ugo])(?=[-+=]|$)/g;

/**
 * What `--chmod` does to a mode: octal from 0 to 07777, or chmod(1)'s symbolic clauses, for which no umask counts.
 * @throws BUILD_CHMOD_INVALID
 */
export function parseChmod(text: string): ChangeMode {
  if (/^[0-9]/.test(text)) {
    if (!/^[0-7]+$/.test(text) || Number.parseInt(text, 8) > 0o7777) {
      throw buildError('BUILD_CHMOD_INVALID', { text, want: 'an octal number from 0 to 07777' });
    }
    const mode = Number.parseInt(text, 8);
    return () => mode;
  }
  const changes = text.split(',').flatMap((clause) => parseClause(text, clause));
  return (mode, directory) => changes.reduce((now, change) => change(now, directory), mode);
}

function parseClause(text: string, clause: string): ChangeMode[] {
  const match = CLAUSE.exec(clause);
  if (match === null) {
    throw buildError('BUILD_CHMOD_INVALID', {
      text,
      want: 'an octal number, or clauses such as u=rwX,go=rX',
    });
  }
  const who = [...(match[1] === '' ? 'a' : match[1]!)].reduce((mask, letter) => mask | WHO[letter]!, 0);
  return [...match[2]!.matchAll(ACTION)].map(
    ([, action, what]): ChangeMode =>
      (mode, directory) => {
        const bits = bitsOf(what!, mode, directory) & who;
        if (action === '+') return mode | bits;
        if (action === '-') return mode & ~bits;
        // As chmod(1): `=` leaves a directory's setuid and setgid alone unless they are named.
        const kept = directory ? 0o6000 & ~bits : 0;
        return (mode & (~who | kept)) | bits;
      },
  );
}

/** The bits that the letters mean, for all of user, group and others; `who` cuts them down. */
function bitsOf(what: string, mode: number, directory: boolean): number {
  let bits = 0;
  for (const letter of what) {
    if (letter === 'r') bits |= 0o444;
    else if (letter === 'w') bits |= 0o222;
    else if (letter === 'x') bits |= 0o111;
    else if (letter === 'X') bits |= directory || (mode & 0o111) !== 0 ? 0o111 : 0;
    else if (letter === 's') bits |= 0o6000;
    else if (letter === 't') bits |= 0o1000;
    else bits |= ((mode >> { u: 6, g: 3, o: 0 }[letter as 'u' | 'g' | 'o']) & 7) * 0o111;
  }
  return bits;
}
