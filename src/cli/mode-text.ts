import type { Inode } from '../layer/types.ts';

const LETTERS: Readonly<Record<Inode['kind'], string>> = {
  file: '-',
  hardlink: '-',
  directory: 'd',
  symlink: 'l',
  character: 'c',
  block: 'b',
  fifo: 'p',
};

/** `-rwsr-xr-x`: type and permission as `ls -l` shows them. */
export function modeText({ kind, mode }: Pick<Inode, 'kind' | 'mode'>): string {
  const bits = [6, 3, 0].map((shift) => {
    const three = (mode >> shift) & 7;
    return [three & 4 ? 'r' : '-', three & 2 ? 'w' : '-', three & 1 ? 'x' : '-'];
  });
  const special = (at: number, bit: number, letter: string): void => {
    if ((mode & bit) === 0) return;
    bits[at]![2] = bits[at]![2] === 'x' ? letter : letter.toUpperCase();
  };
  special(0, 0o4000, 's');
  special(1, 0o2000, 's');
  special(2, 0o1000, 't');
  return LETTERS[kind] + bits.flat().join('');
}

/** `2026-01-31 12:00:00`, in UTC; the seconds since 1970 where no calendar has the date. */
export function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().slice(0, 19).replace('T', ' ');
}
